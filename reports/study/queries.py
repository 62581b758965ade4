"""What to show of a study: its cases, how far it is, what is to be graded next, and the figures."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from django.conf import settings
from django.db.models import Count, Q, QuerySet

from clinic import jobs
from clinic.models import Job, User
from reports.study import statistics
from reports.study.cases import Case, Cases
from reports.study.rows import Study, StudyReply, StudyVerdict
from reports.study.statistics import Agreement, Arm, Results, Verdict

ASK, JUDGE = "study-ask", "study-judge"  # stages of work


@dataclass(frozen=True)
class Place:
    """How far a study is. `state` is one of waiting, running, stopping, stopped, failed, done."""

    state: str
    percent: int
    reason: str
    done: int
    failed: int
    all: int
    is_judging: bool = False

    @property
    def is_at_rest(self) -> bool:
        return self.state in ("stopped", "failed", "done")


@dataclass(frozen=True)
class Grader:
    """Who judged, under which name, and the verdicts by reply."""

    name: str
    is_model: bool
    verdicts: Mapping[str, Verdict]  # by the reply's token


@dataclass(frozen=True)
class Judged:
    """One grader's figures."""

    grader: Grader
    results: Results | None
    all: int  # replies there are to grade

    @property
    def is_whole(self) -> bool:
        return len(self.grader.verdicts) == self.all


@dataclass(frozen=True)
class Pair:
    one: str
    other: str
    agreement: Agreement


def cases_of(study: Study) -> dict[str, Case]:
    return {case.id: case for case in Cases.model_validate(study.cases).cases}


def asked_model(study: Study) -> str:
    return study.model or settings.OLLAMA_MODEL


def all_studies() -> QuerySet[Study]:
    said = Count("replies", filter=Q(replies__state=StudyReply.State.DONE))
    return Study.objects.select_related("created_by").annotate(said=said).order_by("-pk")


def places(studies: list[Study]) -> dict[int, Place]:
    """By the study's id. Two queries, however many there are."""
    by_subject = defaultdict(list)
    for job in jobs.of(*[study.subject for study in studies]):
        by_subject[job.subject].append(job)
    counted: dict[int, dict[str, int]] = defaultdict(dict)
    rows = StudyReply.objects.filter(study__in=studies).order_by().values_list("study", "state").annotate(Count("pk"))
    for study_id, state, count in rows:
        counted[study_id][state] = count
    return {study.pk: _place(study, by_subject[study.subject], counted[study.pk]) for study in studies}


def place(study: Study) -> Place:
    return places([study])[study.pk]


def _place(study: Study, work: list[Job], counted: Mapping[str, int]) -> Place:
    done, failed = counted.get(StudyReply.State.DONE, 0), counted.get(StudyReply.State.FAILED, 0)
    everything = sum(counted.values())
    active = next((job for job in work if not jobs.is_final(job)), None)
    broken = next((job for job in reversed(work) if job.state == Job.State.FAILED), None)
    if active:
        state = "stopping" if study.stop_asked and active.state == Job.State.RUNNING else active.state
    elif broken:
        state = "failed"
    else:
        state = "done" if done + failed == everything else "stopped"
    percent = active.percent if active else 100 * (done + failed) // max(1, everything)
    reason = active.reason if active else broken.reason if broken else ""
    return Place(state, percent, reason, done, failed, everything, bool(active and active.stage == JUDGE))


@dataclass(frozen=True)
class CaseAnswers:
    case: Case
    without: tuple[StudyReply, ...]
    with_labels: tuple[StudyReply, ...]


def answers_by_case(study: Study) -> Iterator[CaseAnswers]:
    """What was said to each case, run by run."""
    by_arm: dict[tuple[str, str], list[StudyReply]] = defaultdict(list)
    for reply in study.replies.order_by("run"):
        by_arm[reply.case, reply.arm].append(reply)
    for name, case in cases_of(study).items():
        yield CaseAnswers(case, tuple(by_arm[name, Arm.WITHOUT]), tuple(by_arm[name, Arm.WITH]))


# --- Grading by a person ---


def to_grade(study: Study, user: User) -> list[StudyReply]:
    """What she has not graded yet, both arms mixed, in an order of her own that never changes."""
    left = study.replies.filter(state=StudyReply.State.DONE).exclude(verdicts__grader=user)

    def place_of(reply: StudyReply) -> str:
        return hashlib.sha256(f"{study.seed}:{user.pk}:{reply.token}".encode()).hexdigest()

    return sorted(left, key=place_of)


def graded_by(study: Study, user: User) -> int:
    return StudyVerdict.objects.filter(reply__study=study, grader=user).count()


def graded_counts(studies: list[Study], user: User) -> dict[int, int]:
    """How many replies of each study she has graded, by the study's id."""
    given = StudyVerdict.objects.filter(reply__study__in=studies, grader=user).order_by()
    return dict(given.values_list("reply__study").annotate(Count("pk")))


def is_graded_whole_by(study: Study, user: User) -> bool:
    """From then on she may see the arms."""
    said = study.replies.filter(state=StudyReply.State.DONE).count()
    return bool(said) and place(study).is_at_rest and graded_by(study, user) == said


# --- Figures ---


def judged(study: Study) -> list[Judged]:
    """A grader's figures each, people first."""
    replies = {str(reply.token): reply for reply in study.replies.filter(state=StudyReply.State.DONE)}
    return [Judged(one, statistics.results(_by_case(study, replies, one)), len(replies)) for one in graders(study)]


def graders(study: Study) -> list[Grader]:
    found: dict[tuple[bool, str, int], dict[str, Verdict]] = defaultdict(dict)
    given = StudyVerdict.objects.filter(reply__study=study).select_related("grader", "reply")
    for one in given:
        name = str(one.grader) if one.grader else one.engine
        found[one.grader is None, name, one.grader_id or 0][str(one.reply.token)] = Verdict(one.verdict)
    return [Grader(name, is_model, verdicts) for (is_model, name, _pk), verdicts in sorted(found.items(), key=_who)]


def pairs(study: Study) -> Iterator[Pair]:
    """How far each two graders agree."""
    for one, other in combinations(graders(study), 2):
        yield Pair(one.name, other.name, statistics.agreement(one.verdicts, other.verdicts))


def _who(item: tuple[tuple[bool, str, int], dict[str, Verdict]]) -> tuple[bool, str, int]:
    return item[0]


def _by_case(study: Study, replies: Mapping[str, StudyReply], grader: Grader) -> dict[str, dict[Arm, list[Verdict]]]:
    graded: dict[str, dict[Arm, list[Verdict]]] = {case: {arm: [] for arm in Arm} for case in cases_of(study)}
    for token, verdict in grader.verdicts.items():
        reply = replies.get(token)
        if reply:
            graded[reply.case][Arm(reply.arm)].append(verdict)
    return graded
