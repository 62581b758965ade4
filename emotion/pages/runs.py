"""The engineer's doors to training: configure, queue, watch, stop, go on, compare."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from clinic.access import SignedInRequest
from clinic.services import note_access
from emotion import access, starts, tasks
from emotion.access import engineers_only
from emotion.errors import RunRefused
from emotion.forms import ConfigForm, ImportForm, RunNameForm, SaveForm
from emotion.ml.training.config import TrainingConfig
from emotion.ml.training.toml import to_toml
from emotion.models import SavedConfig, TrainingRun
from emotion.queries import studio
from emotion.services import checks, runs

RUNS_A_PAGE = 20
EPOCHS_A_PAGE = 100
LAST_EPOCHS = 8  # on the run's own page
LOG_BYTES = 64 * 1024


# --- The list ---


@never_cache
@require_safe
@engineers_only
def index(request: SignedInRequest) -> HttpResponse:
    """The list. With ?part it is the table alone, for a page that was told to look."""
    page = Paginator(access.runs_of(request.user), RUNS_A_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "places": studio.places(page.object_list), "devices": studio.live_devices(), "query": ""}
    return render(request, "emotion/_runs.html" if "part" in request.GET else "emotion/runs.html", context)


# --- Configuring ---


@never_cache
@engineers_only
def new(request: SignedInRequest) -> HttpResponse:
    if request.method == "POST":
        return _typed(request)
    asked = request.GET.get("from", "")
    start = starts.load(asked)
    if asked and start is None:
        messages.error(request, _("What you wanted to start from is not there any more."))
    start = start or starts.Start(TrainingConfig().model_dump(mode="json"))
    name = RunNameForm(initial={"name": start.title})
    return _configure(request, ConfigForm(start.values), name, saved=start.saved, start=asked)


@require_POST
@engineers_only
def import_config(request: SignedInRequest) -> HttpResponse:
    """A config from a TOML file, shown in the form to be looked at."""
    given = ImportForm(request.POST, request.FILES)
    if not given.is_valid():
        form = ConfigForm(TrainingConfig().model_dump(mode="json"))
        return _configure(request, form, RunNameForm(), given=given, status=422)
    form = ConfigForm(given.cleaned_data["config"].model_dump(mode="json"))
    messages.success(request, _("The config was read. Look it over, give the run a name and start it."))
    return _configure(request, form, RunNameForm())


@require_POST
@engineers_only
def forget_config(request: SignedInRequest, pk: int) -> HttpResponse:
    saved = access.saved_config_for(request.user, pk)
    saved.delete()
    messages.success(request, _("%(name)s is no longer kept. Runs made from it stay as they are.") % {"name": saved})
    return redirect("emotion:new_run")


@require_safe
@engineers_only
def saved_toml(request: SignedInRequest, pk: int) -> HttpResponse:
    saved = access.saved_config_for(request.user, pk)
    return _toml(TrainingConfig.checked(saved.values), saved.name)


def _typed(request: SignedInRequest) -> HttpResponse:
    """What was typed, and what the pressed button asks to do with it."""
    wanted, typed = request.POST.get("do", "check"), request.POST.copy()
    if wanted.startswith(("add:", "remove:")):
        name = RunNameForm(initial={"name": typed.get("name", "")})
        return _configure(request, ConfigForm(_with_items(ConfigForm(typed=typed), wanted)), name, _saved(request))
    form, name = ConfigForm(typed=typed), RunNameForm(typed)
    saved = _saved(request)
    is_right = form.is_valid()
    if is_right and wanted == "toml" and form.config:
        return _toml(form.config, typed.get("name", ""))
    if is_right and wanted == "save" and form.config:
        return _save(request, form, saved)
    checked = checks.check(form.config) if form.config else None
    if checked:
        form.refuse(checked.problems)
    if wanted == "start" and name.is_valid() and form.is_valid() and form.config:
        run = runs.queue(name.cleaned_data["name"], form.config, request.user)
        note_access(request.user, "train", f"training-run:{run.pk}")
        tasks.enqueue()
        return redirect("emotion:run", run.pk)
    shown_name = name if wanted == "start" else RunNameForm(initial={"name": typed.get("name", "")})
    status = 422 if form.errors or shown_name.errors else 200
    return _configure(request, form, shown_name, saved=saved, checked=checked, status=status)


def _save(request: SignedInRequest, form: ConfigForm, saved: SavedConfig | None) -> HttpResponse:
    naming = SaveForm(request.POST, over=saved)
    if not naming.is_valid() or form.config is None:
        return _configure(request, form, naming, saved=saved, status=422)
    kept = runs.keep_config(naming.cleaned_data["name"], form.config, request.user, naming.over)
    messages.success(request, _("%(name)s is kept. Find it under “Start from”.") % {"name": kept.name})
    return redirect(f"{request.path}?from=saved:{kept.pk}")


def _saved(request: SignedInRequest) -> SavedConfig | None:
    pk = request.POST.get("saved", "")
    return SavedConfig.objects.filter(pk=int(pk)).first() if pk.isdigit() else None


def _with_items(form: ConfigForm, wanted: str) -> dict[str, Any]:
    """The typed values with one item more in a list, or one fewer."""
    values, (verb, _colon, name) = form.values, wanted.partition(":")
    group, _dot, number = name.partition(".")
    items = values.get(group)
    if isinstance(items, list):
        if verb == "add":
            items.append({})
        elif number.isdigit() and int(number) < len(items):
            items.pop(int(number))
    return values


def _configure(
    request: HttpRequest,
    form: ConfigForm,
    name: Any,
    saved: SavedConfig | None = None,
    status: int = 200,
    given: ImportForm | None = None,
    **more: Any,
) -> HttpResponse:
    context = {
        "form": form,
        "name_form": name,
        "saved": saved,
        "import_form": given or ImportForm(),
        "starts": starts.options(),
        "devices": studio.live_devices(),
        **more,
    }
    return render(request, "emotion/new_run.html", context, status=status)


def _toml(config: TrainingConfig, name: str) -> HttpResponse:
    filename = f"{slugify(name) or 'config'}.toml"
    headers = {"Content-Disposition": f'attachment; filename="{filename}"'}
    return HttpResponse(to_toml(config), content_type="application/toml; charset=utf-8", headers=headers)


# --- One run ---


@never_cache
@require_safe
@engineers_only
def run(request: SignedInRequest, pk: int) -> HttpResponse:
    """How a run stands. With ?part it is the parts that change, for a page that was told to look."""
    watched = access.run_for(request.user, pk)
    found = studio.columns(watched, after=max(0, watched.epochs_done - LAST_EPOCHS))
    context = {
        "run": watched,
        "best": studio.best(watched),
        "place": studio.places([watched]).get(watched.pk),
        "devices": studio.live_devices(),
        "found": found,
        "confusion": studio.confusion_rows(found.confusion) if found.confusion else [],
        "last": studio.table(found),
        "split": studio.split_rows(watched.split) if watched.split else [],
        "config": studio.config_rows(watched.config),
        "checkpoints": watched.checkpoints.all(),
    }
    return render(request, "emotion/_run.html" if "part" in request.GET else "emotion/run.html", context)


@never_cache
@require_safe
@engineers_only
def epochs(request: SignedInRequest, pk: int) -> HttpResponse:
    """Every epoch as a table: what the charts draw, for whoever reads it or hears it."""
    watched = access.run_for(request.user, pk)
    table = studio.table(studio.columns(watched))
    page = Paginator(table.rows, EPOCHS_A_PAGE).get_page(request.GET.get("page"))
    return render(request, "emotion/epochs.html", {"run": watched, "table": table, "page": page, "query": ""})


@require_safe
@engineers_only
def config_toml(request: SignedInRequest, pk: int) -> HttpResponse:
    watched = access.run_for(request.user, pk)
    return _toml(TrainingConfig.checked(watched.config), watched.name)


@never_cache
@require_safe
@engineers_only
def log(request: SignedInRequest, pk: int) -> HttpResponse:
    """The end of what the run's processes wrote."""
    watched = access.run_for(request.user, pk)
    return HttpResponse(runs.log_of(watched, LOG_BYTES), content_type="text/plain; charset=utf-8")


@require_POST
@engineers_only
def stop(request: SignedInRequest, pk: int) -> HttpResponse:
    return _ask(request, access.run_for(request.user, pk), "stop", runs.stop)


@require_POST
@engineers_only
def resume(request: SignedInRequest, pk: int) -> HttpResponse:
    return _ask(request, access.run_for(request.user, pk), "resume", runs.resume)


@require_POST
@engineers_only
def discard(request: SignedInRequest, pk: int) -> HttpResponse:
    watched = access.run_for(request.user, pk)
    try:
        runs.discard(watched)
    except RunRefused as error:
        messages.error(request, str(error))
        return redirect("emotion:run", pk)
    note_access(request.user, "discard", f"training-run:{pk}")
    messages.success(request, _("%(name)s and its files are deleted.") % {"name": watched.name})
    return redirect("emotion:runs")


@never_cache
@require_safe
@engineers_only
def compare(request: SignedInRequest) -> HttpResponse:
    """Runs side by side: ?run=3&run=5."""
    asked = [int(pk) for pk in request.GET.getlist("run") if pk.isdigit()]
    chosen = sorted(access.runs_of(request.user).filter(pk__in=asked), key=lambda run: asked.index(run.pk))
    context = {"runs": chosen, **studio.comparison(chosen)} if len(chosen) > 1 else {"runs": chosen}
    context["all_runs"] = access.runs_of(request.user)[:50]
    return render(request, "emotion/compare.html", context)


def _ask(request: SignedInRequest, watched: TrainingRun, verb: str, do: Any) -> HttpResponse:
    try:
        do(watched)
    except RunRefused as error:
        messages.error(request, str(error))
    else:
        note_access(request.user, verb, f"training-run:{watched.pk}")
        tasks.enqueue()
    return redirect("emotion:run", watched.pk)
