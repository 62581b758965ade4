"""Who speaks the questions: an admin's page. Made again in bulk, stopped, and cleared of what no set uses."""

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from clinic import jobs
from clinic.access import SignedInRequest, must_be
from clinic.integrations.speaking import wanted_voice
from clinic.models import User
from interviews import tasks
from interviews.queries.voices import spoken_sets, unused_audio, voices_of
from interviews.services import speaking
from interviews.stages import SPEAK

SETS_A_PAGE = 40
admins_only = must_be(User.Role.ADMIN)


@never_cache
@require_safe
@admins_only
def index(request: SignedInRequest) -> HttpResponse:
    """With ?part the moving parts alone, for a page that was told to look."""
    template = "interviews/_voices.html" if "part" in request.GET else "interviews/voices.html"
    return render(request, template, _context(request))


@require_POST
@admins_only
def make(request: SignedInRequest) -> HttpResponse:
    """Have sets spoken again: those with a tick (chosen), all, all that is missing, or the rest of an earlier time."""
    what = request.POST.get("what", "")
    ticked = {int(pk) for pk in request.POST.getlist("set") if pk.isdecimal() and len(pk) < 10}
    sets = [found for found in spoken_sets() if what in ("all", "missing") or found.pk in ticked]
    with transaction.atomic():
        asked = speaking.ask_for_voices(sets, request.user, only_missing=what == "missing")
        if asked or speaking.due().exists():
            tasks.enqueue_due()
    if asked:
        told = ngettext("One question is being spoken.", "%(count)d questions are being spoken.", asked)
        messages.success(request, told % {"count": asked})
    elif what == "rest":
        messages.success(request, _("It goes on."))
    elif what == "missing":
        messages.info(request, _("Every question has its voice already."))
    else:
        messages.warning(request, _("Choose at least one set of questions first."))
    return redirect("interviews:voices")


@require_POST
@admins_only
def stop(request: SignedInRequest) -> HttpResponse:
    left = speaking.stop_speaking(request.user)
    told = ngettext(
        "Stopped; one question keeps the audio it has.", "Stopped; %(count)d questions keep the audio they have.", left
    )
    messages.success(request, told % {"count": left} if left else _("Everything was spoken already."))
    return redirect("interviews:voices")


@require_POST
@admins_only
def clear(request: SignedInRequest) -> HttpResponse:
    removed = speaking.remove_unused_audio(request.user)
    told = ngettext("One file was removed.", "%(count)d files were removed.", removed) % {"count": removed}
    messages.success(request, told)
    return redirect("interviews:voices")


def _context(request: HttpRequest) -> dict[str, object]:
    page = Paginator(spoken_sets(), SETS_A_PAGE).get_page(request.GET.get("page"))
    job = next((job for job in jobs.of(speaking.SUBJECT) if job.stage == SPEAK), None)
    due, sets = speaking.due().count(), voices_of(page.object_list)
    return {
        "page": page,
        "sets": sets,
        "troubled": [(found.question_set, question) for found in sets for question in found.troubled],
        "job": job,
        "due": due,
        "is_working": bool(due and job and not jobs.is_final(job)),
        "wanted": [(name, wanted_voice(code)) for code, name in settings.LANGUAGES],
        "unused": unused_audio(),
        "query": "",
    }
