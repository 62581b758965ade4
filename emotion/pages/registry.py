"""The engineer's doors to models: checkpoints, packs, which pack serves, and the catalogue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from clinic.access import SignedInRequest
from emotion import access, gate, live, registry_tasks
from emotion.access import engineers_only
from emotion.errors import EmotionRoomError, GateRefused
from emotion.models import Pack, StoredReading
from emotion.models.registry import PART_WORDS
from emotion.queries import imports_of, shelves, work_on
from emotion.queries.trials import BUILD
from emotion.registry_forms import CheckpointFileForm, PackForm, ReasonForm
from emotion.services import pulling, registry, trying

# --- What there is ---


@never_cache
@require_safe
@engineers_only
def index(request: SignedInRequest) -> HttpResponse:
    """Serving pack, packs, checkpoints. With ?part the moving parts alone, for a page that was told to look."""
    template = "emotion/_registry.html" if "part" in request.GET else "emotion/registry.html"
    return render(request, template, {**_overview(request), "form": CheckpointFileForm()})


@require_POST
@engineers_only
def import_checkpoint(request: SignedInRequest) -> HttpResponse:
    """A checkpoint in one piece, from a page without scripts; larger ones come in parts through the API."""
    form = CheckpointFileForm(request.POST, request.FILES)
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            upload = trying.keep_file(request.user, file, file.size, file.name)
        except EmotionRoomError as error:
            form.add_error("file", str(error))
        else:
            registry_tasks.enqueue_import(upload)
            return redirect("emotion:registry")
    return render(request, "emotion/registry.html", {**_overview(request), "form": form}, status=422)


@require_POST
@engineers_only
def dismiss_import(request: SignedInRequest, pk: UUID) -> HttpResponse:
    trying.erase_upload(access.upload_for(request.user, pk))
    return redirect("emotion:registry")


@never_cache
@require_safe
@engineers_only
def checkpoint(request: SignedInRequest, pk: int) -> HttpResponse:
    shown = access.checkpoint_for(request.user, pk)
    context = {
        "checkpoint": shown,
        "figures": gate.figures_of(shown.card),
        "packs": shown.packs.all(),
        "config": _flat(shown.card.get("config", {})),
    }
    return render(request, "emotion/checkpoint.html", context)


# --- Packs ---


@never_cache
@engineers_only
def new_pack(request: SignedInRequest) -> HttpResponse:
    typed = request.POST if request.method == "POST" else None
    form = PackForm(typed, initial=_initial_parts(request.GET.get("checkpoint", "")))
    if request.method == "POST" and form.is_valid():
        try:
            pack = registry.make_pack(form.cleaned_data["name"], form.chosen, request.user)
        except EmotionRoomError as error:
            form.add_error(None, str(error))
        else:
            registry_tasks.enqueue_pack(pack)
            return redirect("emotion:pack", pack.pk)
    return render(request, "emotion/new_pack.html", {"form": form}, status=422 if form.errors else 200)


@never_cache
@require_safe
@engineers_only
def pack(request: SignedInRequest, pk: int) -> HttpResponse:
    """What it is made of, and what the gate says. With ?part for a page that was told to look."""
    template = "emotion/_pack.html" if "part" in request.GET else "emotion/pack.html"
    return render(request, template, _pack_context(request, pk, ReasonForm()))


@require_POST
@engineers_only
def promote(request: SignedInRequest, pk: int) -> HttpResponse:
    chosen = access.pack_for(request.user, pk)
    form = ReasonForm(request.POST)
    if form.is_valid():
        try:
            registry.promote(chosen, request.user, form.cleaned_data["reason"])
        except GateRefused as error:
            form.add_error("reason", str(error))
        except EmotionRoomError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("New readings are made with %(name)s from now on.") % {"name": chosen.name})
            live.tell_registry()
            return redirect("emotion:registry")
    return render(request, "emotion/pack.html", _pack_context(request, pk, form), status=422)


@require_POST
@engineers_only
def rebuild(request: SignedInRequest, pk: int) -> HttpResponse:
    """Load it once more, after what was wrong has been put right."""
    registry_tasks.enqueue_pack(access.pack_for(request.user, pk))
    return redirect("emotion:pack", pk)


@require_POST
@engineers_only
def roll_back(request: SignedInRequest) -> HttpResponse:
    try:
        undone = registry.roll_back(request.user)
    except EmotionRoomError as error:
        messages.error(request, str(error))
    else:
        serving = registry.serving_pack()
        told = {"old": undone.pack.name, "new": serving.name if serving else registry.STARTER}
        messages.success(request, _("%(old)s was taken back. %(new)s serves again.") % told)
        live.tell_registry()
    return redirect("emotion:registry")


# --- The catalogue ---


@never_cache
@require_safe
@engineers_only
def catalogue(request: SignedInRequest) -> HttpResponse:
    """Every model that can be had. With ?part the list alone."""
    template = "emotion/_catalogue.html" if "part" in request.GET else "emotion/catalogue.html"
    context = {"shelves": shelves.all_models(), "offline": settings.OFFLINE_MODELS}
    return render(request, template, context)


@require_POST
@engineers_only
def pull(request: SignedInRequest, name: str) -> HttpResponse:
    model = access.catalogued_for(request.user, name)
    return _at_catalogue(request, name, lambda: registry_tasks.enqueue_pull(pulling.ask_for(model, request.user)))


@require_POST
@engineers_only
def confirm(request: SignedInRequest, name: str) -> HttpResponse:
    fetched = access.fetched_for(request.user, name)
    return _at_catalogue(request, name, lambda: pulling.confirm(fetched, request.user))


@require_POST
@engineers_only
def discard(request: SignedInRequest, name: str) -> HttpResponse:
    fetched = access.fetched_for(request.user, name)
    return _at_catalogue(request, name, lambda: pulling.discard(fetched, request.user))


def _at_catalogue(request: SignedInRequest, name: str, verb: Callable[[], Any]) -> HttpResponse:
    try:
        verb()
    except EmotionRoomError as error:
        messages.error(request, str(error))
    return redirect(f"{reverse('emotion:catalogue')}#model-{slugify(name)}")


# --- What pages need ---


def _overview(request: SignedInRequest) -> dict[str, Any]:
    serving, history = registry.serving_pack(), list(shelves.history()[:20])
    sha256, versions = (serving.sha256, serving.versions) if serving else _starter()
    return {
        "serving": serving,
        "since": next((promotion for promotion in history if not promotion.undone_at), None),
        "sha256": sha256,
        "versions": shelves.parts_of(versions),
        "readings": shelves.readings_by(sha256),
        "others": registry.made_otherwise().count(),
        "packs": shelves.packs(),
        "checkpoints": shelves.checkpoints(),
        "imports": imports_of(request.user),
        "history": history,
    }


def _starter() -> tuple[str, dict[str, str]]:
    """Hash and versions of the starter pack, as the last reading that it made has them: a page loads no model."""
    last = StoredReading.objects.filter(pack=registry.STARTER).order_by("-created_at").first()
    return (last.pack_sha256, last.versions) if last else ("", {})


def _pack_context(request: SignedInRequest, pk: int, form: ReasonForm) -> dict[str, Any]:
    shown = access.pack_for(request.user, pk)
    verdict, serving = registry.judge(shown), registry.serving_pack()
    form.fields["reason"].required = not verdict.passed
    return {
        "pack": shown,
        "work": work_on(shown.subject, BUILD),
        "verdict": verdict,
        "serving": serving,
        "serves": serving == shown,
        "versions": shelves.parts_of(shown.versions),
        "starter_parts": _starters_own(shown),
        "promotions": shelves.history().filter(pack=shown),
        "form": form,
    }


def _starters_own(pack: Pack) -> list[Any]:
    replaced = {row.part for row in pack.parts.all()}
    return [word for part, word in PART_WORDS.items() if part not in replaced and part != "multimodal"]


def _initial_parts(asked: str) -> dict[str, Any]:
    """The parts of the pack that serves, with the checkpoint asked for in its place."""
    serving = registry.serving_pack()
    parts = {row.part: row.checkpoint for row in serving.parts.select_related("checkpoint")} if serving else {}
    wanted = shelves.checkpoints().filter(pk=asked).first() if asked.isdigit() else None
    return {**parts, **({wanted.part: wanted, "name": slugify(wanted.name)[:40]} if wanted and wanted.part else {})}


def _flat(config: Any, before: str = "") -> list[tuple[str, str]]:
    """A config as rows of a table: net.width, 0.1."""
    if isinstance(config, dict):
        return [row for name, value in config.items() for row in _flat(value, f"{before}.{name}" if before else name)]
    return [(before, "–" if config is None else str(config))]
