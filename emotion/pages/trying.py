"""The engineer's doors to trials: bring a clip, a sound or pictures, and see what a pack reads in them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from clinic import ranges
from clinic.access import SignedInRequest
from clinic.sealed_files import SealedFile
from emotion import access, lanes, registry_tasks
from emotion.access import engineers_only
from emotion.errors import EmotionRoomError
from emotion.ml.labels import LABELS
from emotion.models import Pack, Trial
from emotion.queries import StoredTimeline, pictures, shelves, timeline, trials_of, work_on
from emotion.queries.trials import READ
from emotion.registry_forms import TrialForm
from emotion.services import trying


@never_cache
@engineers_only
def index(request: SignedInRequest) -> HttpResponse:
    """Bring something, and those that are still here. Without scripts a form takes what fits into one request."""
    form = TrialForm(request.POST or None, request.FILES or None, initial={"pack": request.GET.get("pack")})
    if request.method == "POST" and form.is_valid():
        try:
            trial = _start(request, form)
        except EmotionRoomError as error:
            form.add_error("brought", str(error))
        else:
            return redirect("emotion:trial", trial.pk)
    context = {
        "form": form,
        "trials": trials_of(request.user),
        "hours": settings.TRIAL_HOURS,
        "recorder": {"video_bits": settings.RECORD_VIDEO_BITS, "audio_bits": settings.RECORD_AUDIO_BITS},
    }
    return render(request, "emotion/trials.html", context, status=422 if form.errors else 200)


def _start(request: SignedInRequest, form: TrialForm) -> Trial:
    pack: Pack | None = form.cleaned_data["pack"]
    uploads = [trying.keep_file(request.user, file, file.size) for file in form.cleaned_data["brought"]]
    trial = trying.start_trial(request.user, uploads, pack)
    registry_tasks.enqueue_trial(trial)
    return trial


@never_cache
@require_safe
@engineers_only
def trial(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """How far it is, then what was read. With ?part for a page that was told to look."""
    shown = access.trial_for(request.user, pk)
    template = "emotion/_trial.html" if "part" in request.GET else "emotion/trial.html"
    return render(request, template, {"trial": shown, "work": work_on(shown.subject, READ), **_read(shown)})


@never_cache
@require_safe
@engineers_only
def trial_timeline(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The lanes, as the chart reads them."""
    shown = access.trial_for(request.user, pk)
    kept = timeline(shown.pk, shown.key)
    if kept is None:
        raise Http404
    return JsonResponse({"duration": kept.duration, "rate": kept.rate, **lanes.columns(kept.points)})


@require_POST
@engineers_only
def delete_trial(request: SignedInRequest, pk: UUID) -> HttpResponse:
    trying.erase_trial(access.trial_for(request.user, pk))
    messages.success(request, _("Deleted: the files, what was read in them, and the key that opened both."))
    return redirect("emotion:trials")


@require_POST
@engineers_only
def retry_trial(request: SignedInRequest, pk: UUID) -> HttpResponse:
    shown = access.trial_for(request.user, pk)
    if shown.uploads.exists():
        registry_tasks.enqueue_trial(shown)
    return redirect("emotion:trial", pk)


@never_cache
@require_safe
async def media(request: SignedInRequest, pk: UUID, place: int) -> HttpResponseBase:
    """A file of the trial, or the bytes of it that a player asks for."""
    found = await sync_to_async(_file_for)(request, pk, place)
    if isinstance(found, HttpResponse):
        return found
    source, mime_type = found
    headers = {"Accept-Ranges": "bytes", "Content-Type": mime_type, "Content-Disposition": "inline"}
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


@engineers_only
def _file_for(request: SignedInRequest, pk: UUID, place: int) -> HttpResponse | tuple[SealedFile, str]:
    shown = access.trial_for(request.user, pk)
    try:
        source = trying.shown_file(shown, place)
        source.size  # noqa: B018 (looks at the file once, here where waiting for a disk holds nobody up)
    except (IndexError, FileNotFoundError) as error:
        raise Http404 from error
    return source, shown.media[place]["type"]


async def _pieces(source: SealedFile, start: int, length: int) -> AsyncIterator[bytes]:
    pieces = source.stream(start, length)
    while piece := await asyncio.to_thread(next, pieces, b""):
        yield piece


# --- What was read ---


def _read(shown: Trial) -> dict[str, Any]:
    if shown.kind == Trial.Kind.PICTURES:
        return _of_pictures(pictures(shown))
    kept = timeline(shown.pk, shown.key) if shown.kind else None
    return _of_clip(kept) if kept else {}


def _of_clip(kept: StoredTimeline) -> dict[str, Any]:
    return {
        "reading": kept,
        "versions": shelves.parts_of(kept.versions),
        "failures": kept.summary.get("failures", {}),
        "rows": lanes.table(kept.points),
        "shares": lanes.shares(kept.points),
        "gaps": lanes.gaps(kept.points),
        "means": lanes.means(kept.points),
        "faces": sum(point.face is not None for point in kept.points),
    }


def _of_pictures(told: dict[str, Any] | None) -> dict[str, Any]:
    if told is None:
        return {}
    return {
        "reading": told,
        "versions": shelves.parts_of(told["versions"]),
        "pictures": [_picture(one) for one in told["pictures"]],
    }


def _picture(told: dict[str, Any]) -> dict[str, Any]:
    """Boxes in the picture's own pixels, expressions in percent, the most probable first."""
    width, height = told["width"], told["height"]
    faces = []
    for number, face in enumerate(told["faces"], start=1):
        left, top, right, bottom = face["box"]
        shares = sorted(zip(LABELS, face["expression"], strict=True), key=lambda pair: -pair[1])
        faces.append(
            {
                "number": number,
                "x": round(left * width),
                "y": round(top * height),
                "width": round((right - left) * width),
                "height": round((bottom - top) * height),
                "sure": round(100 * face["sure"]),
                "shares": [(lanes.LABEL_WORDS[label], round(100 * share)) for label, share in shares],
            }
        )
    return {"width": width, "height": height, "faces": faces, "gap": told["gap"] and lanes.word_for(told["gap"])}
