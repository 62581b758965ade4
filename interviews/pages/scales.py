"""The patient's questionnaires: one item a page, kept with each click, changed until the interview is finished."""

from dataclasses import asdict
from mimetypes import guess_type

from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from clinic import services as clinic_services
from clinic.access import SignedInRequest
from clinic.errors import ConsentMissing
from clinic.models import Job
from interviews import access, live, queries, scale_tasks, services
from interviews.access import patient_only
from interviews.errors import InterviewError
from interviews.forms import ScaleAnswerForm
from interviews.models import Answer, Interview, ItemAudio, Scale, ScaleAnswer
from interviews.services.spoken import MOST_BYTES


@never_cache
@patient_only
@require_GET
def overview(request: SignedInRequest, pk: int) -> HttpResponse:
    """Which questionnaires there are and how far each is; after the last one, the end of the interview."""
    interview = access.own_interview(request.user, pk)
    asked = queries.asked_scales(interview)
    if not asked or interview.state == Interview.State.FINISHED or not _has_agreed(interview):
        return redirect("interviews:room", interview.pk)
    context = {
        "interview": interview,
        "asked": asked,
        "first": next((one.first_open for one in asked if one.first_open), None),
        "shows_crisis": queries.has_scale_alert(interview),
        "open_questions": interview.answers.filter(state=Answer.State.WAITING).count(),
    }
    return render(request, "interviews/instruments/overview.html", context)


@never_cache
@patient_only
@require_http_methods(["GET", "POST"])
def item(request: SignedInRequest, pk: int, number: int) -> HttpResponse:
    """One item. A script keeps each click at once and is answered with JSON; the button goes on to the next."""
    scale = access.own_scale(request.user, pk)
    found = next((item for item in scale.instrument.parsed.items if item.number == number), None)
    if found is None:
        raise Http404
    if scale.interview.state == Interview.State.FINISHED or not _has_agreed(scale.interview):
        return redirect("interviews:room", scale.interview_id)
    if request.method == "GET":
        return _item(request, scale, number)
    return _keep(request, scale, number)


def _keep(request: SignedInRequest, scale: Scale, number: int) -> HttpResponse:
    wants_json = request.headers.get("Accept", "") == "application/json"
    form = ScaleAnswerForm(request.POST)
    if not form.is_valid():
        sentence = _("Choose an answer, or leave this question out.")
        return _refuse(request, scale, number, sentence, wants_json)
    try:
        services.keep_answer(scale, number, form.cleaned_data["value"], form.cleaned_data["how"])
    except (InterviewError, ConsentMissing) as refusal:
        return _refuse(request, scale, number, str(refusal), wants_json)
    clinic_services.note_access_once(request.user, "answer", scale.subject, access.SAME_SITTING)
    live.tell(scale.interview_id, scale=scale.pk)
    return JsonResponse({"kept": True}) if wants_json else redirect(_after(scale, number))


def _refuse(request: SignedInRequest, scale: Scale, number: int, sentence: str, wants_json: bool) -> HttpResponse:
    if wants_json:
        return JsonResponse({"detail": sentence}, status=422)
    return _item(request, scale, number, sentence)


def _item(request: SignedInRequest, scale: Scale, number: int, error: str = "") -> HttpResponse:
    definition = scale.instrument.parsed
    found = definition.item(number)
    row = ScaleAnswer.objects.filter(scale=scale, number=number).first()
    context = {
        "scale": scale,
        "interview": scale.interview,
        "definition": definition,
        "item": found,
        "value": queries.value_of(row, scale.interview.key) if row else None,
        "is_left_out": row is not None and queries.value_of(row, scale.interview.key) is None,
        "total": len(definition.items),
        "back": _address(scale, number - 1) if number > 1 else reverse("interviews:scales", args=[scale.interview_id]),
        "is_spoken": ItemAudio.objects.filter(instrument=scale.instrument, number=number).exists(),
        "shows_crisis": queries.has_scale_alert(scale.interview),
        "error": error,
    }
    return render(request, "interviews/instruments/item.html", context, status=422 if error else 200)


def _after(scale: Scale, number: int) -> str:
    """The next item, and after the last the overview."""
    if number < len(scale.instrument.parsed.items):
        return _address(scale, number + 1)
    return reverse("interviews:scales", args=[scale.interview_id])


def _address(scale: Scale, number: int) -> str:
    return reverse("interviews:scale_item", args=[scale.pk, number])


@patient_only
@require_GET
def spoken(request: SignedInRequest, pk: int, number: int) -> HttpResponse:
    """The item and its answers, read aloud: made ahead by a voice."""
    scale = access.own_scale(request.user, pk)
    audio = ItemAudio.objects.filter(instrument=scale.instrument, number=number).first()
    if audio is None:
        raise Http404
    with audio.file.open() as file:
        kind = guess_type(audio.file.name or "")[0] or "application/octet-stream"
        return HttpResponse(file.read(), content_type=kind, headers={"Cache-Control": "private, max-age=3600"})


@never_cache
@patient_only
@require_http_methods(["GET", "POST"])
def voice(request: SignedInRequest, pk: int, number: int) -> JsonResponse:
    """A few seconds of voice in answer to an item, and what was understood of them. Both speak JSON to a script."""
    scale = access.own_scale(request.user, pk)
    if request.method == "GET":
        return _understood(scale, number)
    sound = request.FILES.get("sound")
    try:
        reply = services.receive_spoken(
            scale, number, sound.read(MOST_BYTES + 1) if sound else b"", (sound and sound.content_type) or ""
        )
    except (InterviewError, ConsentMissing) as refusal:
        return JsonResponse({"detail": str(refusal)}, status=422)
    scale_tasks.enqueue_hearing(reply)
    return JsonResponse({"state": Job.State.WAITING}, status=202)


def _understood(scale: Scale, number: int) -> JsonResponse:
    found = queries.understood(scale, number, scale.interview.key)
    if found is None:
        return JsonResponse({"detail": _("There is no spoken answer. Please click your answer.")}, status=404)
    return JsonResponse(asdict(found))


def _has_agreed(interview: Interview) -> bool:
    return clinic_services.standing_consent(interview.patient) is not None
