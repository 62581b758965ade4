"""Verbs of a study: make one, ask its cases, stop, go on, grade as a person or by a second model."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from clinic import jobs
from clinic.integrations.language import LanguageModel, LanguageModelError, ModelUnknown, NotReachable
from clinic.models import Job, User
from reports.study import asking, queries
from reports.study.cases import Cases
from reports.study.errors import Interrupted, NoModel, StillAtWork, StudyError
from reports.study.rows import Study, StudyReply, StudyVerdict
from reports.study.statistics import Arm, Verdict

SEVERAL_RUNS_TEMPERATURE = 0.7  # at 0 every run would say the same
MOST_SILENCE = 2  # replies in a row that the model did not give: then the rest is not tried
MOST_SEED = 2**31 - 1 - Study.MOST_RUNS
Progress = Callable[[int, int], None]  # how many are done, of how many


@dataclass(frozen=True)
class Ended:
    """is_all: nothing is left to be done. Otherwise it was stopped, or its time was over."""

    is_all: bool


@transaction.atomic
def new_study(by: User, name: str, cases: Cases, runs: int = 1, seed: int = 1, model: str = "") -> Study:
    """A study with a waiting reply for each case, arm and run; nothing is asked yet. Raises StudyError."""
    if not 1 <= runs <= Study.MOST_RUNS or not 0 <= seed <= MOST_SEED:
        raise StudyError(_("A study has between 1 and %(most)s runs.") % {"most": Study.MOST_RUNS})
    as_json = cases.model_dump_json()
    study = Study.objects.create(
        name=name,
        created_by=by,
        cases=cases.model_dump(mode="json"),
        cases_sha256=hashlib.sha256(as_json.encode()).hexdigest(),
        model=model,
        runs=runs,
        seed=seed,
        temperature=SEVERAL_RUNS_TEMPERATURE if runs > 1 else 0,
    )
    StudyReply.objects.bulk_create(
        StudyReply(study=study, case=case.id, arm=arm, run=run, seed=seed + run - 1)
        for case in cases.cases
        for run in range(1, runs + 1)
        for arm in Arm
    )
    jobs.open_jobs(study.subject, [queries.ASK])
    return study


def ask_all(study: Study, model: LanguageModel | None, on_progress: Progress, seconds: float = float("inf")) -> Ended:
    """Ask what was not answered yet, one after the other. May run twice: what is there is not asked again.

    A case that fails keeps its reason and the next one is asked. Raises NoModel, Interrupted.
    """
    if model is None:
        raise NoModel(_("No language model is set up (OLLAMA_HOST is empty)."))
    by_id = queries.cases_of(study)

    def ask(reply: StudyReply) -> None:
        told = asking.diagnose(model, by_id[reply.case], Arm(reply.arm), reply.seed, study.temperature)
        reply.diagnosis, reply.code, reply.reason = told.value.diagnosis, told.value.code, ""
        reply.engine, reply.engine_digest = told.engine[:80], told.digest[:80]
        reply.prompt_version, reply.state = asking.DIAGNOSE, StudyReply.State.DONE
        reply.save()

    def failed(reply: StudyReply, reason: str) -> None:
        reply.state, reply.reason = StudyReply.State.FAILED, reason[:300]
        reply.save(update_fields=["state", "reason"])

    waiting = study.replies.filter(state=StudyReply.State.WAITING)
    before = study.replies.count() - len(waiting)
    return _one_by_one(
        study, waiting, ask, failed, lambda done, all_: on_progress(before + done, before + all_), seconds
    )


def judge_all(study: Study, model: LanguageModel | None, on_progress: Progress, seconds: float = float("inf")) -> Ended:
    """A second model's verdict on every reply that it has not graded yet. May run twice.

    Raises NoModel, Interrupted.
    """
    if model is None:
        raise NoModel(_("No language model is set up (OLLAMA_HOST is empty)."))
    if study.replies.filter(engine=model.engine).exists():
        raise NoModel(_("A model cannot grade its own answers. Name another one."))
    by_id = queries.cases_of(study)
    said = study.replies.filter(state=StudyReply.State.DONE)
    waiting = said.exclude(verdicts__engine=model.engine)

    def judge(reply: StudyReply) -> None:
        told = asking.grade(model, by_id[reply.case], reply.diagnosis)
        StudyVerdict.objects.get_or_create(
            reply=reply,
            engine=told.engine[:80],
            grader=None,
            defaults={"verdict": told.value.verdict, "engine_digest": told.digest[:80]},
        )

    before = said.count() - len(waiting)
    return _one_by_one(
        study,
        waiting,
        judge,
        lambda reply, reason: None,
        lambda done, all_: on_progress(before + done, before + all_),
        seconds,
    )


def _one_by_one(
    study: Study,
    waiting: Iterable[StudyReply],
    ask: Callable[[StudyReply], None],
    failed: Callable[[StudyReply, str], None],
    on_progress: Progress,
    seconds: float,
) -> Ended:
    until, silent, waiting = time.monotonic() + seconds, 0, list(waiting)
    for done, reply in enumerate(waiting):
        if Study.objects.filter(pk=study.pk, stop_asked=False).first() is None or time.monotonic() > until:
            return Ended(is_all=False)
        on_progress(done, len(waiting))
        try:
            ask(reply)
        except (NotReachable, ModelUnknown) as error:
            failed(reply, str(error))
            silent += 1
            if silent == MOST_SILENCE or isinstance(error, ModelUnknown):
                raise Interrupted(str(error)) from error
        except LanguageModelError as error:
            failed(reply, str(error))
        else:
            silent = 0
    return Ended(is_all=True)


def stop(study: Study) -> None:
    """After the reply that is under way. What is there stays. May run twice."""
    Study.objects.filter(pk=study.pk).update(stop_asked=True)


@transaction.atomic
def go_on(study: Study, stage: str) -> Job:
    """Ready to be worked on again; replies that failed are asked once more. Raises StillAtWork."""
    [job] = jobs.open_jobs(study.subject, [stage])
    others = [one for one in jobs.of(study.subject) if one.stage != stage and not jobs.is_final(one)]
    if others or (job.state == Job.State.RUNNING and jobs.is_spoken_for(job)):
        raise StillAtWork(_("This study is still at work. Wait until it has stopped."))
    Study.objects.filter(pk=study.pk).update(stop_asked=False)
    if stage == queries.ASK:
        study.replies.filter(state=StudyReply.State.FAILED).update(state=StudyReply.State.WAITING, reason="")
    return jobs.retry(job)


def ask_to_judge(study: Study, model: str) -> Job:
    """Raises StillAtWork, StudyError."""
    if not model:
        raise NoModel(_("Name the model that grades."))
    if model == queries.asked_model(study):
        raise NoModel(_("A model cannot grade its own answers. Name another one."))
    job = go_on(study, queries.JUDGE)
    Study.objects.filter(pk=study.pk).update(judge=model)
    return job


@transaction.atomic
def discard(study: Study) -> None:
    """The study, its replies and its verdicts are gone. Raises StillAtWork."""
    if any(job.state == Job.State.RUNNING and jobs.is_spoken_for(job) for job in jobs.of(study.subject)):
        raise StillAtWork(_("This study is still at work. Wait until it has stopped."))
    Job.objects.filter(subject=study.subject).delete()
    study.delete()


# --- A person's verdicts ---


def give_verdict(reply: StudyReply, by: User, verdict: Verdict) -> StudyVerdict:
    """Her verdict; a second one on the same reply is left out: undo the first. May run twice."""
    try:
        with transaction.atomic():
            return StudyVerdict.objects.create(reply=reply, grader=by, verdict=verdict)
    except IntegrityError:
        return StudyVerdict.objects.get(reply=reply, grader=by)


def undo_verdict(study: Study, by: User) -> StudyReply | None:
    """Her last verdict is taken back; the reply it was on, to be graded again."""
    last = StudyVerdict.objects.filter(reply__study=study, grader=by).select_related("reply").order_by("-pk").first()
    if last is None:
        return None
    last.delete()
    return last.reply
