"""Instruments at the admin's doors: installed from data, skeletons filled, published under a name, retired."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from clinic.models import AuditEntry, Job
from interviews import queries, scales
from interviews.models import Instrument, ItemAudio
from interviews.queries.voices import unused_audio
from interviews.stages import SPEAK_ITEMS
from tests.interviews import asking


@pytest.fixture
def hers(client, admin):
    client.force_login(admin)
    return client


def press(client, name: str, *args, **sent) -> str:
    return client.post(reverse(f"interviews:{name}", args=args), sent, follow=True).content.decode()


def install(client, slug: str = "phq-9", language: str = "en") -> Instrument:
    press(client, "install_instrument", slug, language)
    return Instrument.objects.get(slug=slug, language=language)


WORDS = {f"item-{number}": f"السؤال {number}" for number in range(1, 21)} | {
    f"option-{value}": f"جواب {value}" for value in range(5)
}


def test_what_ships_is_listed_with_its_licence_and_installed_as_a_draft(hers):
    page = hers.get(reverse("interviews:instruments")).content.decode()
    assert page.count("no permission required") == 4
    assert "Public domain" in page
    assert "unofficial translation, not validated" in page
    assert "numbers only" in page
    made = install(hers)
    assert (made.state, made.version, made.wording) == ("draft", 1, "official")


def test_publishing_puts_her_name_on_it_and_has_it_read_aloud(hers, admin, django_capture_on_commit_callbacks):
    made = install(hers, "gad-7")
    with django_capture_on_commit_callbacks(execute=True):
        assert "It is published" in press(hers, "publish_instrument", made.pk)
    made.refresh_from_db()
    assert (made.state, made.approved_by) == ("published", admin)
    assert Job.objects.get(subject=made.subject, stage=SPEAK_ITEMS).state == "done"
    assert ItemAudio.objects.filter(instrument=made).count() == 8
    assert AuditEntry.objects.filter(verb="publish", subject=made.subject).exists()
    assert unused_audio(now=4e9).files == ()


def test_the_patient_hears_an_item(client, patient, interview, admin, django_capture_on_commit_callbacks):
    client.force_login(admin)
    made = install(client, "gad-7")
    with django_capture_on_commit_callbacks(execute=True):
        press(client, "publish_instrument", made.pk)
    scale = asking.asked(interview, "gad-7")
    client.force_login(patient.user)
    spoken = client.get(reverse("interviews:scale_spoken", args=[scale.pk, 1]))
    assert spoken.content[:4] == b"RIFF"
    assert "Hear the question" in client.get(reverse("interviews:scale_item", args=[scale.pk, 1])).content.decode()


def test_a_published_version_never_changes_and_the_next_one_is_a_draft(hers):
    made = install(hers)
    press(hers, "publish_instrument", made.pk)
    page = press(hers, "instrument", made.pk, **{"item-1": "Something else"})
    assert "cannot change" in page
    press(hers, "next_instrument", made.pk)
    assert Instrument.objects.get(version=2).is_draft
    assert "A draft of PHQ-9 v2 is waiting already" in press(hers, "next_instrument", made.pk)
    press(hers, "publish_instrument", Instrument.objects.get(version=2).pk)
    assert list(Instrument.objects.order_by("version").values_list("state", flat=True)) == ["retired", "published"]


def test_a_changed_wording_is_the_clinics_own_and_says_so(hers):
    made = install(hers, "phq-9", "ar")
    press(hers, "instrument", made.pk, **{"item-1": "نص آخر"})
    made.refresh_from_db()
    assert made.wording == scales.CLINIC
    assert made.parsed.item(1).text == "نص آخر"
    assert made.parsed.item(9).flagged_above == 0


def test_a_skeleton_is_not_published_before_its_words_and_their_licence_are_there(hers):
    made = install(hers, "pcl-5", "ar")
    assert "numbers only" in press(hers, "publish_instrument", made.pk)
    assert "under which licence" in press(hers, "instrument", made.pk, **WORDS)
    press(hers, "instrument", made.pk, licence="Licensed to this clinic, 2026", **{"item-1": "واحد"})
    made.refresh_from_db()
    assert made.wording == scales.SKELETON
    press(hers, "instrument", made.pk, **WORDS)
    made.refresh_from_db()
    assert (made.wording, made.licence) == (scales.CLINIC, "Licensed to this clinic, 2026")
    assert {item.licence for item in made.parsed.items} == {"Licensed to this clinic, 2026"}
    press(hers, "publish_instrument", made.pk)
    made.refresh_from_db()
    assert made.state == "published"


def test_a_filled_skeleton_is_asked_and_scored(hers, interview):
    made = install(hers, "pcl-5", "ar")
    press(hers, "instrument", made.pk, licence="Licensed to this clinic, 2026", **WORDS)
    press(hers, "publish_instrument", made.pk)
    scale = asking.asked(interview, "pcl-5", "ar")
    asking.answer_all(scale, 2)
    [told] = queries.scale_results(interview)
    assert (told.score, told.licence, told.wording) == (40, "Licensed to this clinic, 2026", "clinic")


def test_an_instrument_goes_out_as_json_and_comes_back(hers):
    made = install(hers)
    told = hers.get(reverse("interviews:export_instrument", args=[made.pk])).json()
    press(hers, "retire_instrument", made.pk)
    assert not Instrument.objects.exists()
    told |= {"slug": "own-9", "name": "Own-9", "wording": "clinic"}
    file = SimpleUploadedFile("own.json", json.dumps(told).encode(), "application/json")
    press(hers, "bring_instrument", file=file)
    assert Instrument.objects.get().parsed.name == "Own-9"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("nonsense", "This is not JSON."), ("{}", "is no instrument"), ("[" * 100_000, "This is not JSON.")],
    ids=["no JSON", "nothing in it", "deep"],
)
def test_what_is_no_instrument_is_refused_and_what_was_typed_stays(hers, text, sentence):
    answer = hers.post(reverse("interviews:bring_instrument"), {"json": text})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert sentence in page
    assert text[:8] in page


def test_the_same_twice_is_refused(hers):
    install(hers)
    page = press(hers, "install_instrument", "phq-9", "en")
    assert "is waiting already" in page
    press(hers, "publish_instrument", Instrument.objects.get().pk)
    assert "published just like this" in press(hers, "install_instrument", "phq-9", "en")


def test_retired_it_is_offered_no_more_and_interviews_keep_it(hers, interview):
    scale = asking.asked(interview)
    press(hers, "retire_instrument", scale.instrument_id)
    assert not Instrument.objects.filter(state=Instrument.State.PUBLISHED).exists()
    asking.keep_answer(scale, 1, 1)
    assert queries.scale_results(interview)[0].given == 1


DOORS = ["instrument", "publish_instrument", "retire_instrument", "next_instrument", "export_instrument"]


@pytest.mark.parametrize("name", [*DOORS, "instruments", "bring_instrument", "install_instrument"])
@pytest.mark.parametrize("who", ["clinician", "patient", "engineer", "nobody"])
def test_only_an_admin_manages_instruments(client, request, interview, name, who):
    made = asking.published()
    args = {"install_instrument": ["gad-7", "en"]}.get(name, [made.pk] if name in DOORS else [])
    if who != "nobody":
        person = request.getfixturevalue(who)
        client.force_login(getattr(person, "user", person) if who == "patient" else person)
    for ask in (client.get, client.post):
        answer = ask(reverse(f"interviews:{name}", args=args))
        expected = {302} if who == "nobody" else {404}
        assert answer.status_code in expected | {405}
    assert Instrument.objects.get().state == "published"
