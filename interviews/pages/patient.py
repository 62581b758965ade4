"""The patient's path: the link, consent, the check of camera and microphone, the room, and the receipts."""

from collections.abc import Callable
from functools import wraps
from mimetypes import guess_type

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.models import AnonymousUser
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clinic import language
from clinic import services as clinic_services
from clinic.access import SignedInRequest
from clinic.models import User
from interviews import access, live, queries, services, tasks
from interviews.access import patient_only
from interviews.errors import InvitationRefused, TakeUndecided
from interviews.forms import ConsentForm
from interviews.models import Answer, Interview, Recording

MET = "met"
STAY_SIGNED_IN = 14 * 24 * 3600  # seconds: time to come back to the same interview in this browser


def in_its_language(page: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """From its link on an interview is read in its own language, until the patient chooses another.

    A cookie for this one address tells that this browser has met the link: what was chosen since then stays.
    """

    @wraps(page)
    def guarded(request: HttpRequest, token: str) -> HttpResponse:
        spoken = services.language_of(token)
        is_first = language.is_spoken(spoken) and MET not in request.COOKIES and not _is_staff(request.user)
        if not is_first:
            return page(request, token)
        language.begin(request, spoken)
        response = page(request, token)
        language.keep(response, spoken)
        response.set_cookie(MET, "1", path=request.path, secure=settings.IS_HTTPS, httponly=True, samesite="Lax")
        return response

    return guarded


@never_cache
@csrf_protect
@require_http_methods(["GET", "POST"])
@in_its_language
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Looking changes nothing, because mail programs fetch links ahead; only the button uses the link up."""
    try:
        found = services.find_invitation(token)
        is_owner = request.user == found.interview.patient.user
        if is_owner and not found.is_open:
            return redirect(_next_step(found.interview))
        services.must_be_open(found)
        if request.method == "POST" and not _is_staff(request.user):
            return _enter(request, services.accept_invitation(token))
    except InvitationRefused as refusal:
        return render(request, "interviews/link_refused.html", {"refusal": refusal}, status=refusal.status)
    context = {
        "interview": found.interview,
        "is_staff": _is_staff(request.user),
        "somebody_else": request.user.is_authenticated and not is_owner,
    }
    return render(request, "interviews/invitation.html", context, status=409 if request.method == "POST" else 200)


def _enter(request: HttpRequest, interview: Interview) -> HttpResponse:
    login(request, interview.patient.user, backend="django.contrib.auth.backends.ModelBackend")
    request.session.set_expiry(STAY_SIGNED_IN)
    clinic_services.note_access(interview.patient.user, "opened an invitation", interview.subject)
    live.tell(interview.pk)
    return redirect(_next_step(interview))


def _is_staff(user: User | AnonymousUser) -> bool:
    return isinstance(user, User) and user.role != User.Role.PATIENT


@never_cache
@patient_only
@require_http_methods(["GET", "POST"])
def consent(request: SignedInRequest, pk: int) -> HttpResponse:
    interview = access.own_interview(request.user, pk)
    form = ConsentForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _decide(interview, form.cleaned_data["decision"])
    context = {
        "interview": interview,
        "form": form,
        "standing": clinic_services.standing_consent(interview.patient),
        "next_step": _after_consent(interview),
    }
    return render(request, "interviews/consent.html", context, status=422 if request.method == "POST" else 200)


def _decide(interview: Interview, decision: str) -> HttpResponse:
    clinic_services.note_access(interview.patient.user, f"consent: {decision}", interview.subject)
    live.tell(interview.pk)
    if decision == ConsentForm.AGREE:
        clinic_services.record_consent(interview.patient)
        services.agree(interview)
        live.tell(interview.pk)
        return redirect(_after_consent(interview))
    if decision == ConsentForm.WITHDRAW:
        clinic_services.withdraw_consent(interview.patient)
    services.refuse_consent(interview)
    live.tell(interview.pk)
    return redirect("interviews:refused", interview.pk)


@never_cache
@patient_only
@require_GET
def refused(request: SignedInRequest, pk: int) -> HttpResponse:
    """Thanks for having read it. No pressure, and the way back stays open."""
    return render(request, "interviews/refused.html", {"interview": access.own_interview(request.user, pk)})


@never_cache
@patient_only
@require_GET
def check(request: SignedInRequest, pk: int) -> HttpResponse:
    interview = access.own_interview(request.user, pk)
    elsewhere = _must_be_elsewhere(interview)
    return elsewhere or render(request, "interviews/check.html", {"interview": interview, "recorder": _recorder()})


@never_cache
@patient_only
@require_GET
def room(request: SignedInRequest, pk: int) -> HttpResponse:
    interview = access.own_interview(request.user, pk)
    return _must_be_elsewhere(interview) or _room(request, interview)


def _room(request: SignedInRequest, interview: Interview, refusal: TakeUndecided | None = None) -> HttpResponse:
    answers = list(interview.answers.select_related("question"))
    takes = _undecided_takes(interview)
    waiting = [place for place, answer in enumerate(answers, 1) if answer.state == Answer.State.WAITING]
    context = {
        "interview": interview,
        "answers": [(answer, takes.get(answer.pk)) for answer in answers],
        "first": waiting[0] if waiting else len(answers) + 1,
        "recorder": _recorder(),
        "refusal": refusal,
        "has_scales": _has_open_scale(interview),
    }
    return render(request, "interviews/room.html", context, status=409 if refusal else 200)


def _has_open_scale(interview: Interview) -> bool:
    """Whether a questionnaire is still to be shown before the interview ends."""
    is_open = interview.state != Interview.State.FINISHED
    return is_open and any(asked.first_open for asked in queries.asked_scales(interview))


def _undecided_takes(interview: Interview) -> dict[int, Recording]:
    """The newest take of each answer that was neither kept nor made again, where something of it arrived."""
    takes = Recording.objects.filter(answer__interview=interview, state=Recording.State.OPEN)
    takes = takes.annotate(arrived=Count("chunks")).filter(arrived__gt=0).order_by("started_at")
    return {take.answer_id: take for take in takes}


def _recorder() -> dict[str, int]:
    """What the recorder in the page has to know."""
    return {
        "video_bits": settings.RECORD_VIDEO_BITS,
        "audio_bits": settings.RECORD_AUDIO_BITS,
        "chunk_bytes": min(settings.MAX_CHUNK_BYTES, 1024 * 1024),
        "seconds": settings.MAX_ANSWER_SECONDS,
    }


@never_cache
@patient_only
@require_POST
def finish(request: SignedInRequest, pk: int) -> HttpResponse:
    interview = access.own_interview(request.user, pk)
    if "scales" not in request.POST and _has_open_scale(interview):
        return redirect("interviews:scales", interview.pk)
    try:
        services.finish(interview)
    except TakeUndecided as refusal:
        return _room(request, interview, refusal)
    clinic_services.note_access(request.user, "finished", interview.subject)
    tasks.enqueue_finish(interview.pk)
    live.tell(interview.pk)
    return redirect("interviews:done", interview.pk)


@never_cache
@patient_only
@require_GET
def done(request: SignedInRequest, pk: int) -> HttpResponse:
    interview = access.own_interview(request.user, pk)
    if interview.state != Interview.State.FINISHED:
        return redirect(_next_step(interview))
    context = {
        "interview": interview,
        "answers": interview.answers.select_related("question"),
        "asked": queries.asked_scales(interview),
        "shows_crisis": queries.has_scale_alert(interview),
    }
    return render(request, "interviews/done.html", context)


@patient_only
@require_GET
def spoken(request: SignedInRequest, pk: int) -> HttpResponse:
    """The question, read aloud: made ahead by a voice, never while the patient waits."""
    question = access.own_answer(request.user, pk).question
    if not question.audio:
        raise Http404
    with question.audio.open() as file:
        kind = guess_type(question.audio.name or "")[0] or "application/octet-stream"
        return HttpResponse(file.read(), content_type=kind, headers={"Cache-Control": "private, max-age=3600"})


def _next_step(interview: Interview) -> str:
    """Where this patient goes on."""
    if interview.state == Interview.State.FINISHED:
        return _url("done", interview)
    if not clinic_services.standing_consent(interview.patient):
        return _url("consent", interview)
    return _after_consent(interview)


def _after_consent(interview: Interview) -> str:
    return _url("check" if interview.state == Interview.State.INVITED else "room", interview)


def _must_be_elsewhere(interview: Interview) -> HttpResponse | None:
    """A redirect for whoever is finished, or has not agreed."""
    step = _next_step(interview)
    return None if step in (_url("check", interview), _url("room", interview)) else redirect(step)


def _url(name: str, interview: Interview) -> str:
    return reverse(f"interviews:{name}", args=[interview.pk])
