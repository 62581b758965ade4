"""The clinician's doors: invite, watch the list, review an interview, look at a recording."""

import asyncio
import base64
import binascii
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from clinic import ranges, vault
from clinic.access import SignedInRequest, must_be
from clinic.models import User
from clinic.sealed_files import SealedFile
from clinic.services import note_access, note_access_once
from emotion import lanes
from interviews import access, caseload, live, queries, services, tasks
from interviews.access import SAME_SITTING
from interviews.errors import InterviewError
from interviews.forms import NewInterviewForm
from interviews.models import Interview, Recording
from interviews.pages.scale_results import results_context
from interviews.passages import UNSURE, passages
from interviews.playback import sealed_recording
from interviews.services.rereading import answers_read_otherwise
from interviews.stages import TIMELINE, TRANSCRIBE

INTERVIEWS_A_PAGE = 20
clinicians_only = must_be(User.Role.CLINICIAN)


# --- Inviting ---


@never_cache
@clinicians_only
def new(request: SignedInRequest) -> HttpResponse:
    typed = request.POST if request.method == "POST" else None
    form = NewInterviewForm(request.user, typed, initial={"patient": request.GET.get("patient")})
    if request.method == "POST" and form.is_valid():
        try:
            interview = _open_and_invite(request, form)
        except InterviewError as error:
            form.add_error(None, str(error))
        else:
            return redirect("interviews:watch", interview.pk)
    context = {"form": form, "sets": form.sets, "days": settings.INVITATION_DAYS}
    context["chosen_instruments"] = [str(pk) for pk in form["instruments"].value() or ()]
    return render(request, "interviews/new.html", context, status=422 if form.errors else 200)


@transaction.atomic
def _open_and_invite(request: SignedInRequest, form: NewInterviewForm) -> Interview:
    chosen = form.cleaned_data
    interview = services.open_interview(chosen["patient"], chosen["question_set"], request.user)
    services.choose_instruments(interview, chosen["instruments"])
    note_access(request.user, "invite", interview.subject)
    _make_link(request, interview)
    return interview


@require_POST
@clinicians_only
def new_link(request: SignedInRequest, pk: int) -> HttpResponse:
    interview = access.interview_for(request.user, pk)
    try:
        _make_link(request, interview)
    except InterviewError as error:
        messages.error(request, str(error))
    else:
        note_access(request.user, "invite", interview.subject)
    return redirect("interviews:watch", interview.pk)


@require_POST
@clinicians_only
def revoke(request: SignedInRequest, pk: int) -> HttpResponse:
    invitation = access.invitation_for(request.user, pk)
    services.revoke_invitation(invitation)
    note_access(request.user, "revoke", invitation.interview.subject)
    messages.success(request, _("The link no longer works."))
    return redirect("interviews:watch", invitation.interview_id)


def _make_link(request: SignedInRequest, interview: Interview) -> None:
    """A link for the next page to show, once. Until then it lies in the session, sealed."""
    _invitation, token = services.invite(interview, request.user)
    sealed = interview.key.seal(token.encode(), f"link:{interview.pk}")
    request.session[f"link:{interview.pk}"] = base64.b64encode(sealed).decode()


def _fresh_link(request: SignedInRequest, interview: Interview) -> str:
    """The link that was just made; empty ever after."""
    kept = request.session.pop(f"link:{interview.pk}", "")
    if not kept:
        return ""
    try:
        token = interview.key.open(base64.b64decode(kept), f"link:{interview.pk}").decode()
    except (vault.VaultError, binascii.Error):
        return ""
    return request.build_absolute_uri(reverse("interviews:invitation", args=[token]))


# --- The list ---


@never_cache
@require_safe
@clinicians_only
def index(request: SignedInRequest) -> HttpResponse:
    """The list. With ?part it is the table alone, for a page that was told to look."""
    search, only = request.GET.get("q", "").strip(), request.GET.get("only", "")
    found = caseload.interviews_of(request.user, search, only)
    page = Paginator(found, INTERVIEWS_A_PAGE).get_page(request.GET.get("page"))
    kept = {name: value for name, value in (("q", search), ("only", only)) if value}
    context = {
        "page": page,
        "rows": caseload.rows(page.object_list),
        "search": search,
        "only": only,
        "filters": [(name, str(label)) for name, label in caseload.FILTER_WORDS.items()],
        "query": f"{urlencode(kept)}&" if kept else "",
    }
    return render(request, "interviews/_rows.html" if "part" in request.GET else "interviews/list.html", context)


# --- One interview ---


@never_cache
@require_safe
@clinicians_only
def watch(request: SignedInRequest, pk: int) -> HttpResponse:
    interview = access.interview_for(request.user, pk)
    note_access(request.user, "open", interview.subject)
    context = {
        **_progress_context(request, interview),
        "link": _fresh_link(request, interview),
        "invitations": interview.invitations.select_related("created_by"),
        "days": settings.INVITATION_DAYS,
    }
    context |= results_context(request, interview)
    chosen = context["chosen"]
    if chosen:
        context |= _reply_context(request, interview, chosen.answer_id)
    return render(request, "interviews/watch.html", context)


@never_cache
@require_safe
@clinicians_only
def progress(request: SignedInRequest, pk: int) -> HttpResponse:
    """How far the work is, as a part of the page. Opens nothing that a patient said, so it is not noted."""
    interview = access.interview_for(request.user, pk)
    return render(request, "interviews/_progress.html", _progress_context(request, interview))


@never_cache
@require_safe
@clinicians_only
def reply(request: SignedInRequest, pk: int) -> HttpResponse:
    """Video, transcript and timeline of one answer, as a part of the page."""
    interview = access.answer_for(request.user, pk).interview
    now = queries.progress(interview)
    chosen = next(answer for answer in now.answers if answer.answer_id == pk)
    context = {"interview": interview, "chosen": chosen, "versions": _versions(chosen)}
    context |= _reply_context(request, interview, pk)
    return render(request, "interviews/_reply.html", context)


@require_POST
@clinicians_only
def retry(request: SignedInRequest, pk: int) -> HttpResponse:
    """The failed stages of an answer once more."""
    answer = access.answer_for(request.user, pk)
    if services.try_again(answer.subject):
        note_access(request.user, "retry", answer.subject)
        tasks.enqueue(answer.pk)
    return redirect(f"{reverse('interviews:watch', args=[answer.interview_id])}?answer={answer.pk}")


@require_POST
@clinicians_only
def read_again(request: SignedInRequest, pk: int) -> HttpResponse:
    """Face and voice of an answer once more, with the model pack that serves now."""
    answer = access.answer_for(request.user, pk)
    if services.read_again(answer):
        note_access(request.user, "read again", answer.subject)
        tasks.enqueue_reading(answer)
        messages.success(request, _("The answer is read again. Until then you see the earlier reading."))
    return redirect(f"{reverse('interviews:watch', args=[answer.interview_id])}?answer={answer.pk}")


@require_POST
@clinicians_only
def retry_report(request: SignedInRequest, pk: int) -> HttpResponse:
    interview = access.interview_for(request.user, pk)
    if services.try_again(interview.subject):
        note_access(request.user, "retry", interview.subject)
        tasks.enqueue_finish(interview.pk)
    return redirect("interviews:watch", interview.pk)


@require_POST
@clinicians_only
def acknowledge(request: SignedInRequest, pk: int) -> HttpResponse:
    """She has seen the words that call for a person."""
    flag = services.acknowledge(access.flag_for(request.user, pk), request.user, request.POST.get("note", "")[:2000])
    live.tell(flag.interview.pk, answer=pk)
    messages.success(request, _("Noted: you have seen this answer."))
    return redirect(f"{reverse('interviews:watch', args=[flag.interview.pk])}?answer={pk}")


def _progress_context(request: SignedInRequest, interview: Interview) -> dict[str, Any]:
    now = queries.progress(interview)
    chosen = _chosen(request, now)
    return {
        "interview": interview,
        "now": now,
        "chosen": chosen,
        "versions": _versions(chosen),
        "scales_version": queries.scales_version(interview),
    }


def _chosen(request: SignedInRequest, now: queries.Progress) -> queries.AnswerProgress | None:
    """The answer to look at: the one asked for, else the first that was recorded."""
    asked = request.GET.get("answer", "")
    if asked:
        found = next((answer for answer in now.answers if str(answer.answer_id) == asked), None)
        if found is None:
            raise Http404
        return found
    return next(iter(now.recorded or now.answers), None)


def _versions(chosen: queries.AnswerProgress | None) -> dict[str, str]:
    """What each part of an answer's page was made from: a page reads a part anew when its version changes."""
    if chosen is None:
        return {}
    states = {stage.name: stage.state for stage in chosen.stages}
    return {
        "video": "playable" if chosen.is_playable else chosen.state,
        "transcript": states.get(TRANSCRIBE, "none"),
        "timeline": states.get(TIMELINE, "none"),
        "risk": chosen.risk,
    }


def _reply_context(request: SignedInRequest, interview: Interview, answer_id: int) -> dict[str, Any]:
    """Raises Http404 once the interview was erased: nothing is left to be opened."""
    note_access_once(request.user, "read", f"answer:{answer_id}", SAME_SITTING)
    try:
        opened = queries.reply(interview, answer_id)
        alert = queries.alert(interview, answer_id)
    except vault.KeyErased:
        return {"is_erased": True}
    return {
        "reply": opened,
        "alert": alert,
        "passages": passages(opened.words),
        "unsure": UNSURE,
        "rows": lanes.table(opened.points),
        "shares": lanes.shares(opened.points),
        "gaps": lanes.gaps(opened.points),
        "transcribe_stage": opened.stage(TRANSCRIBE),
        "timeline_stage": opened.stage(TIMELINE),
        "is_read_otherwise": answers_read_otherwise().filter(pk=answer_id).exists(),
    }


# --- The recording ---


@never_cache
@require_safe
async def video(request: SignedInRequest, pk: UUID) -> HttpResponseBase:
    """The recording, or the bytes of it that a player asks for. Never more than one sealed block in memory."""
    found = await sync_to_async(_recording_for)(request, pk)
    if isinstance(found, HttpResponse):
        return found
    recording, source = found
    headers = {"Accept-Ranges": "bytes", "Content-Type": recording.joined_type, "Content-Disposition": "inline"}
    try:
        part = ranges.wanted(request.headers.get("Range", ""), source.size)
    except ranges.NotSatisfiable:
        return HttpResponse(status=416, headers={**headers, "Content-Range": f"bytes */{source.size}"})
    start, length = part or (0, source.size)
    if part:
        headers["Content-Range"] = f"bytes {start}-{start + length - 1}/{source.size}"
    headers["Content-Length"] = str(length)
    status = 206 if part else 200
    if request.method == "HEAD":
        return HttpResponse(status=status, headers=headers)
    return StreamingHttpResponse(_pieces(source, start, length), status=status, headers=headers)


@clinicians_only
def _recording_for(request: SignedInRequest, pk: UUID) -> HttpResponse | tuple[Recording, SealedFile]:
    recording = access.recording_for(request.user, pk)
    try:
        source = sealed_recording(recording, recording.answer.interview.key)
        source.size  # noqa: B018 (looks at the file once, here where waiting for a disk holds nobody up)
    except (FileNotFoundError, vault.KeyErased) as error:
        raise Http404 from error
    note_access_once(request.user, "play", f"recording:{recording.pk}", SAME_SITTING)
    return recording, source


async def _pieces(source: SealedFile, start: int, length: int) -> AsyncIterator[bytes]:
    pieces = source.stream(start, length)
    while piece := await asyncio.to_thread(next, pieces, b""):
        yield piece
