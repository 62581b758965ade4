"""From a typed name to a disorder: matched against the lists, asked of a language model, or added by an admin."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from clinic.integrations.language import LanguageModel, LanguageModelError
from clinic.jobs import Outcome
from clinic.models import User
from clinic.services import note_access
from interviews import disorders
from interviews.disorders import Found, Source, Verdict
from interviews.disorders_judged import KIND_WORDS, VERSION, Judged, Ruling, judge
from interviews.errors import InterviewError
from interviews.models import Disorder, NameCheck
from interviews.stages import NAME

SHORTEST_REASON = 10  # characters; an admin who adds a name against the list says why

State, By = NameCheck.State, NameCheck.By


@transaction.atomic
def check_name(typed: str, by: User) -> NameCheck:
    """What the lists make of a name. Where they do not know it, its state says that it has to be asked further.

    Raises InterviewError where nothing was typed.
    """
    typed = " ".join(typed.split())[: disorders.LONGEST]
    if not any(letter.isalnum() for letter in typed):
        raise InterviewError(_("Type the name of a disorder, or its ICD-10 code."))
    check = NameCheck(typed=typed, asked_by=by)
    found = look_up(typed)
    if found.verdict is Verdict.NEAR:
        check.state = State.OFFERED
    elif found.verdict is Verdict.UNKNOWN:
        check.state = State.ASKING
    else:
        _decide_by_list(check, found)
    check.save()
    note_access(by, "check a name", check.subject)
    return check


def look_up(typed: str) -> Found:
    clinic = dict(Disorder.objects.values_list("name", "icd10"))
    return disorders.look_up(typed, clinic, (get_language() or "en")[:2])


@transaction.atomic
def ask_further(check: NameCheck, by: User) -> NameCheck:
    """None of the offers was meant, or the model is to be asked again: it is waited for. May run twice."""
    check = _locked(check)
    if check.state in (State.OFFERED, State.UNDECIDED):
        check.state, check.reason, check.decided_by, check.decided_at = State.ASKING, "", "", None
        check.save()
        note_access(by, "ask further", check.subject)
    return check


def decide(check: NameCheck, model: LanguageModel | None, on_progress: Callable[[float], None]) -> dict[str, Outcome]:
    """The model's word on a name that no list knows, as a stage of work. May run twice."""
    if check.state != State.ASKING:
        return {NAME: Outcome()}
    if model is None:
        return _leave_undecided(check, _("No language model is set up, so nobody could be asked."))
    try:
        judged = judge(model, check.typed, on_progress)
    except LanguageModelError as error:
        return _leave_undecided(check, str(error))
    _keep(check, judged)
    return {NAME: Outcome()}


@transaction.atomic
def overrule(check: NameCheck, by: User, reason: str) -> NameCheck:
    """An admin adds the name as it was typed, under her own name. Raises InterviewError."""
    reason = reason.strip()
    if len(reason) < SHORTEST_REASON:
        raise InterviewError(_("Say in a few words why this name belongs here. Your name and the reason are kept."))
    check = _locked(check)
    if check.may_be_created:
        raise InterviewError(_("This name is accepted already."))
    check.state, check.name, check.icd10 = State.ACCEPTED, check.typed, ""
    check.decided_by, check.decider, check.decided_at, check.reason = By.PERSON, by, timezone.now(), reason[:500]
    check.save()
    note_access(by, "overrule", check.subject)
    return check


@transaction.atomic
def create_disorder(check: NameCheck, by: User) -> Disorder:
    """The disorder of an accepted name; the one the clinic has where there is one. May run twice.

    Raises InterviewError.
    """
    check = _locked(check)
    if not check.may_be_created:
        raise InterviewError(_("This name was not accepted."))
    found = check.disorder or same_disorder(check)
    if found is None:
        found = Disorder.objects.create(name=check.name, slug=_free_slug(check), icd10=check.icd10)
        note_access(by, "create", f"disorder:{found.pk}")
    if check.disorder_id != found.pk:
        check.disorder = found
        check.save(update_fields=["disorder"])
    return found


def same_disorder(check: NameCheck) -> Disorder | None:
    """What the clinic has under this name or this code."""
    if by_name := Disorder.objects.filter(name__iexact=check.name).first():
        return by_name
    return Disorder.objects.filter(icd10=check.icd10).first() if check.icd10 else None


# --- The decision ---


def _decide_by_list(check: NameCheck, found: Found) -> None:
    taken = found.taken
    if taken is None:
        return
    check.name, check.icd10 = taken.name[:120], taken.code
    check.decided_by, check.decided_at = By.LIST, timezone.now()
    if found.verdict is Verdict.KNOWN:
        check.state, check.reason = State.KNOWN, str(_where_known(taken.source))
        check.disorder = same_disorder(check)
        return
    check.state = State.REFUSED
    check.reason = _(
        "ICD-10 has it as %(code)s “%(title)s” in the chapter “%(chapter)s”. It is not among the psychological "
        "disorders (chapter V, F00 to F99)."
    ) % {"code": taken.code, "title": taken.name, "chapter": found.chapter}
    check.reason = check.reason[:500]


def _where_known(source: Source) -> str:
    if source is Source.CLINIC:
        return _("The clinic has this disorder already.")
    if source is Source.CODE:
        return _("This is a code of ICD-10, chapter V.")
    if source is Source.ICD:
        return _("This is a title in ICD-10, chapter V.")
    return _("This is a known name.")


def _keep(check: NameCheck, judged: Judged) -> None:
    about = {"kind": KIND_WORDS[judged.kind], "reason": judged.reason}
    if judged.ruling is Ruling.YES:
        state, reason = State.ACCEPTED, _("Taken for a psychological disorder: %(reason)s")
    elif judged.ruling is Ruling.NO:
        state, reason = State.REFUSED, _("Taken for %(kind)s: %(reason)s")
    else:
        state = State.UNDECIDED
        reason = _(
            "The language model contradicted itself: asked one way it is a disorder, asked another way it is not."
        )
    _close(
        check,
        state=state,
        reason=(reason % about)[:500],
        name=check.typed if state == State.ACCEPTED else "",
        engine=judged.engine[:120],
        engine_digest=judged.digest[:80],
        prompt_version=VERSION,
        decided_by=By.MODEL,
    )


def _leave_undecided(check: NameCheck, why: str) -> dict[str, Outcome]:
    _close(check, state=State.UNDECIDED, reason=why[:500])
    return {NAME: Outcome(why, failed=True)}


def _close(check: NameCheck, **fields: object) -> None:
    """Unless a person was quicker than the model."""
    NameCheck.objects.filter(pk=check.pk, state=State.ASKING).update(decided_at=timezone.now(), **fields)


def _locked(check: NameCheck) -> NameCheck:
    return NameCheck.objects.select_for_update(of=("self",)).select_related("disorder").get(pk=check.pk)


def _free_slug(check: NameCheck) -> str:
    base = slugify(check.name)[:100] or slugify(check.icd10) or "disorder"
    taken = set(Disorder.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    return next(slug for slug in (base, *(f"{base}-{n}" for n in range(2, len(taken) + 3))) if slug not in taken)
