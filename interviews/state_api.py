"""An interview's state and an answer's timeline as JSON, for the clinician of the caseload.

GET /interviews/<interview>/state/      how far each stage is; nothing that a patient said
GET /answers/<answer>/timeline/         the lanes of face and voice, by column
GET /answers/<answer>/transcript/       the words with their times
"""

from django.http import Http404, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from clinic import vault
from clinic.access import SignedInRequest, must_be
from clinic.models import User
from clinic.services import note_access_once
from emotion import lanes
from interviews import access, queries
from interviews.access import SAME_SITTING
from interviews.passages import webvtt

clinicians_only = must_be(User.Role.CLINICIAN)


@never_cache
@require_safe
@clinicians_only
def state(request: SignedInRequest, pk: int) -> JsonResponse:
    return JsonResponse(queries.state(access.interview_for(request.user, pk)))


@never_cache
@require_safe
@clinicians_only
def timeline(request: SignedInRequest, pk: int) -> JsonResponse:
    reply = _opened(request, pk)
    if reply is None or reply.timeline is None:
        return JsonResponse({"detail": _("There is no timeline yet.")}, status=404)
    kept = reply.timeline
    told = {
        "answer": pk,
        "duration": kept.duration,
        "rate": kept.rate,
        "pack": kept.pack,
        "pack_sha256": kept.pack_sha256,
        **lanes.columns(kept.points),
    }
    return JsonResponse(told)


@never_cache
@require_safe
@clinicians_only
def transcript(request: SignedInRequest, pk: int) -> JsonResponse:
    reply = _opened(request, pk)
    if reply is None or not reply.engine:
        return JsonResponse({"detail": _("There is no transcript yet.")}, status=404)
    told = {
        "answer": pk,
        "text": reply.text,
        "words": queries.words_as_json(reply.words),
        "engine": reply.engine,
        "language": reply.language,
    }
    return JsonResponse(told)


@never_cache
@require_safe
@clinicians_only
def captions(request: SignedInRequest, pk: int) -> HttpResponse:
    reply = _opened(request, pk)
    if reply is None or not reply.words:
        raise Http404
    return HttpResponse(webvtt(reply.words), content_type="text/vtt; charset=utf-8")


def _opened(request: SignedInRequest, pk: int) -> queries.Reply | None:
    """None once the interview was erased."""
    answer = access.answer_for(request.user, pk)
    note_access_once(request.user, "read", answer.subject, SAME_SITTING)
    try:
        return queries.reply(answer.interview, answer.pk)
    except vault.KeyErased:
        return None
