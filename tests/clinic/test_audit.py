"""The audit log: one unbroken chain, whoever writes, and a change in it is noticed."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import OperationalError, connection

from clinic import services
from clinic.audit import BEGINNING, verify_chain
from clinic.models import AuditEntry
from clinic.services import note_access, note_access_once
from tests import factories
from tests.browser.site import Site


@pytest.fixture
def three(db) -> list[AuditEntry]:
    return [note_access("worker:join", "open", f"recording:{number}") for number in range(3)]


def test_each_entry_follows_the_one_before(three):
    assert [entry.previous for entry in three] == [BEGINNING, three[0].digest, three[1].digest]


def test_a_person_and_a_worker_are_named(clinician):
    assert note_access(clinician, "open", "interview:1").actor == f"user:{clinician.pk}"
    assert note_access("worker:transcribe", "open", "recording:1").actor == "worker:transcribe"


def test_an_untouched_log_is_whole(three):
    chain = verify_chain()
    assert (chain.is_whole, chain.length, chain.last_digest) == (True, 3, three[2].digest)


def test_an_empty_log_is_whole(db):
    assert verify_chain().is_whole


@pytest.mark.parametrize("field", ["actor", "verb", "subject", "at", "digest"])
def test_a_changed_row_is_noticed(three, field):
    changed = three[1].at + timedelta(seconds=1) if field == "at" else "f" * 40
    AuditEntry.objects.filter(pk=three[1].pk).update(**{field: changed})
    assert verify_chain().broken_at == three[1]


def test_a_removed_row_is_noticed_at_the_next_one(three):
    three[1].delete()
    assert verify_chain().broken_at == three[2]


def test_a_changed_row_with_a_fitting_digest_is_noticed_at_the_next_one(three):
    from clinic import audit

    three[0].verb = "never"
    three[0].digest = audit.digest(three[0])
    three[0].save()
    assert verify_chain().broken_at == three[1]


def test_the_same_look_is_noted_once_a_sitting(clinician):
    for _ in range(3):
        note_access_once(clinician, "play", "recording:1", timedelta(minutes=10))
    note_access_once(clinician, "play", "recording:2", timedelta(minutes=10))
    note_access_once(factories.a_user(), "play", "recording:1", timedelta(minutes=10))
    assert AuditEntry.objects.count() == 3


WRITERS, EACH = 4, 10
WRITE = """
from clinic.services import note_access
for number in range(each):
    note_access(f"worker:{writer}", "open", f"recording:{number}")
"""
CHECK = """
from clinic import services
from clinic.audit import verify_chain
chain = verify_chain()
answer = [chain.length, chain.is_whole]
"""


def test_many_processes_at_once_still_make_one_chain(tmp_path):
    site = Site(tmp_path)
    site.manage("migrate", "--verbosity", "0")
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(lambda writer: site.run(WRITE, writer=writer, each=EACH), range(WRITERS)))
    assert site.run(CHECK) == [WRITERS * EACH, True]


@pytest.mark.django_db(transaction=True)
def test_many_connections_of_postgresql_still_make_one_chain():
    if connection.vendor != "postgresql":
        pytest.skip("this run is not against PostgreSQL; SQLite has the test above")

    def write(writer: int) -> None:
        try:
            for number in range(EACH):
                note_access(f"worker:{writer}", "open", f"recording:{number}")
        finally:
            connection.close()

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, range(WRITERS)))
    assert (verify_chain().length, verify_chain().is_whole) == (WRITERS * EACH, True)


def test_a_look_that_could_not_be_written_down_is_not_taken_for_written(clinician, monkeypatch):
    def locked(*args):
        raise OperationalError("database is locked")

    with monkeypatch.context() as away:
        away.setattr(services, "_append", locked)
        with pytest.raises(OperationalError):
            note_access_once(clinician, "play", "recording:1", timedelta(minutes=10))
    note_access_once(clinician, "play", "recording:1", timedelta(minutes=10))
    assert AuditEntry.objects.filter(verb="play").count() == 1
