"""A typed name becomes a disorder, or does not: by list, by model, by an admin. The pages, with a scripted model."""

import json
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone, translation

from clinic import jobs
from clinic.models import AuditEntry, Job
from interviews import tasks
from interviews.models import Disorder, NameCheck, QuestionDraft
from interviews.stages import DRAFT, NAME
from tests.interviews.broker import broker_in_memory
from tests.interviews.sockets import Socket
from tests.ollama_server import DIGEST, serving

YES = [json.dumps({"kind": "psychological disorder", "reason": "Hoards."}), json.dumps({"is_disorder": True})]
SPLIT = [YES[0], json.dumps({"is_disorder": False})]
FOOD = [json.dumps({"kind": "food", "reason": "A fruit."})]


@pytest.fixture
def hers(client, clinician):
    client.force_login(clinician)
    return client


@pytest.fixture
def type_in(django_capture_on_commit_callbacks):
    """Types a name and lets the worker work; the page that comes of it."""

    def type_in(client, typed: str) -> str:
        with django_capture_on_commit_callbacks(execute=True):
            response = client.post(reverse("interviews:type_name"), {"name": typed})
        if response.status_code != 302:
            return response.content.decode()
        return client.get(response["Location"]).content.decode()

    return type_in


@pytest.fixture
def model(settings):
    """A language model that gives these replies."""
    opened = []

    def answering(*replies, **options):
        context = serving(*replies, **options)
        server = context.__enter__()
        opened.append(context)
        settings.OLLAMA_HOST, settings.OLLAMA_MODEL, settings.OLLAMA_TIMEOUT = server.url, "llama3.2:3b", 5.0
        return server

    yield answering
    for context in opened:
        context.__exit__(None, None, None)


def press(client, name: str, check: NameCheck, **data):
    return client.post(reverse(f"interviews:{name}", args=[check.pk]), data)


def test_a_known_name_is_taken_at_once_and_becomes_a_disorder(hers, type_in, clinician):
    html = type_in(hers, "PTSD")
    assert "Post-traumatic stress" in html
    check = NameCheck.objects.get()
    assert (check.state, check.decided_by, check.icd10, check.asked_by) == ("known", "list", "F43.1", clinician)
    press(hers, "create_disorder", check)
    made = Disorder.objects.get()
    assert (made.name, made.icd10, made.slug) == ("Post-traumatic stress", "F43.1", "post-traumatic-stress")
    press(hers, "create_disorder", check)
    assert Disorder.objects.count() == 1


def test_another_name_for_what_the_clinic_has_leads_there(hers, type_in):
    has = Disorder.objects.create(name="After trauma", slug="after-trauma", icd10="F43.1")
    assert "The clinic has it already, as After trauma" in type_in(hers, "PTSD")
    press(hers, "create_disorder", NameCheck.objects.get())
    assert list(Disorder.objects.all()) == [has]


def test_a_misspelt_name_gets_the_right_one_offered(hers, type_in):
    html = type_in(hers, "agorafobia")
    assert "Did you mean" in html
    assert 'value="F40.0"' in html
    assert not Disorder.objects.exists()


def test_what_icd_has_elsewhere_is_refused_with_the_reason(hers, type_in):
    html = type_in(hers, "migraine")
    assert "Not taken for a psychological disorder" in html
    assert "Diseases of the nervous system" in html


def test_an_empty_name_is_refused_on_the_page(hers, type_in):
    assert "Type the name of a disorder" in type_in(hers, " – ")
    assert not NameCheck.objects.exists()


def test_the_model_is_asked_twice_and_its_yes_says_who_gave_it(hers, type_in, model):
    server = model(*YES)
    html = type_in(hers, "hoarding")
    check = NameCheck.objects.get()
    assert (check.state, check.decided_by, check.name) == ("accepted", "model", "hoarding")
    assert (check.engine, check.engine_digest, check.prompt_version) == ("ollama llama3.2:3b", DIGEST, "name-1")
    assert DIGEST[:12] in html
    assert len(server.asked) == 2
    assert server.asked[0]["messages"][-1]["content"] == 'What is "hoarding"?'


def test_a_yes_that_the_model_takes_back_does_not_count(hers, type_in, model):
    model(*SPLIT)
    assert "contradicted itself" in type_in(hers, "hoarding")
    check = NameCheck.objects.get()
    assert check.state == "undecided"
    assert press(hers, "create_disorder", check).status_code == 302
    assert not Disorder.objects.exists()


def test_a_no_says_what_it_was_taken_for(hers, type_in, model):
    model(*FOOD)
    assert "something to eat or drink: A fruit." in type_in(hers, "banana")
    assert NameCheck.objects.get().state == "refused"


def test_without_a_model_the_page_says_so_and_asks_again_on_demand(
    hers, type_in, settings, model, django_capture_on_commit_callbacks
):
    settings.OLLAMA_HOST = ""
    html = type_in(hers, "hoarding")
    assert "No language model is set up" in html
    check = NameCheck.objects.get()
    assert Job.objects.get(subject=check.subject).state == "failed"
    model(*YES)
    with django_capture_on_commit_callbacks(execute=True):
        press(hers, "ask_further", check)
    check.refresh_from_db()
    assert check.state == "accepted"


@pytest.mark.parametrize(
    ("manner", "models", "said"),
    [
        ("break", ("llama3.2:3b",), "while it was writing"),
        ("error", ("llama3.2:3b",), "refused (status 500)"),
        ("ok", ("other",), "ollama pull"),
    ],
    ids=["broken stream", "server error", "model unknown"],
)
def test_a_model_that_fails_leaves_it_undecided_with_the_reason(hers, type_in, model, manner, models, said):
    model(*FOOD, manner=manner, models=models)
    html = type_in(hers, "banana")
    assert said in html
    assert "Ask again" in html


def test_two_replies_without_form_leave_it_undecided(hers, type_in, model):
    model("no JSON at all")
    assert "in a form that cannot be used" in type_in(hers, "banana")


def test_an_admin_adds_a_refused_name_under_her_own_with_a_reason(client, admin, type_in):
    client.force_login(admin)
    type_in(client, "burnout")
    check = NameCheck.objects.get()
    assert "Say in a few words" in press(client, "overrule", check, reason=" ok ").content.decode()
    press(client, "overrule", check, reason="Our clinic treats it as a group of its own.")
    check.refresh_from_db()
    assert (check.state, check.decided_by, check.decider, check.name) == ("accepted", "person", admin, "burnout")
    assert AuditEntry.objects.filter(verb="overrule", subject=check.subject, actor=f"user:{admin.pk}").exists()
    press(client, "create_disorder", check)
    assert Disorder.objects.get().name == "burnout"


def test_a_clinician_may_not_overrule(hers, type_in):
    assert "Add under my name" not in type_in(hers, "burnout")
    check = NameCheck.objects.get()
    assert press(hers, "overrule", check, reason="Because I want it to be.").status_code == 404
    check.refresh_from_db()
    assert check.state == "refused"


@pytest.mark.parametrize("who", ["engineer", "patient"])
def test_nobody_else_gets_near(client, request, who, clinician):
    person = request.getfixturevalue(who)
    check = NameCheck.objects.create(typed="x", state="undecided", asked_by=clinician)
    client.force_login(getattr(person, "user", person))
    assert client.get(reverse("interviews:disorders")).status_code == 404
    assert client.post(reverse("interviews:type_name"), {"name": "PTSD"}).status_code == 404
    assert client.get(reverse("interviews:name", args=[check.pk])).status_code == 404


def test_the_signed_out_are_sent_to_the_sign_in_page(client, db):
    assert "/accounts/login/" in client.get(reverse("interviews:disorders"))["Location"]


def test_ten_more_disorders_cost_no_more_queries(hers, django_assert_max_num_queries):
    from tests import factories

    factories.a_question_set()
    with django_assert_max_num_queries(12) as few:
        hers.get(reverse("interviews:disorders"))
    for _number in range(10):
        factories.a_question_set()
    with django_assert_max_num_queries(len(few)):
        hers.get(reverse("interviews:disorders"))


def test_a_name_that_no_worker_took_up_is_queued_again(clinician):
    check = NameCheck.objects.create(typed="hoarding", state="asking", asked_by=clinician)
    draft = QuestionDraft.objects.create(
        disorder=Disorder.objects.create(name="Mood", slug="mood"), number=3, asked_by=clinician
    )
    jobs.open_jobs(check.subject, [NAME])
    jobs.open_jobs(draft.subject, [DRAFT])
    Job.objects.update(created_at=timezone.now() - timedelta(hours=1))
    with broker_in_memory() as queues:
        tasks.requeue()
        tasks.requeue()
        assert {message.queue for message in queues.sent} == {"reports"}
        assert sorted(queues.taken()) == [("judge_name", check.pk), ("write_draft", draft.pk)]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("who", "answered"), [("clinician", "accept"), ("admin", "accept"), ("engineer", "close")])
async def test_authors_alone_hear_of_names_and_drafts(who, answered, clinician, admin, engineer):
    person = {"clinician": clinician, "admin": admin, "engineer": engineer}[who]
    opened = Socket(person, "/ws/authoring/")
    assert (await opened.open())["type"] == f"websocket.{answered}"
    if answered == "accept":
        assert await opened.hear() == {"look": True}
        await opened.leave()


def test_a_known_disorder_is_named_in_the_language_of_the_page(hers, settings, django_capture_on_commit_callbacks):
    settings.OLLAMA_HOST = ""
    hers.cookies[settings.LANGUAGE_COOKIE_NAME] = "ar"
    # A request leaves its language behind in the thread.
    with translation.override("en"), django_capture_on_commit_callbacks(execute=True):
        hers.post(reverse("interviews:type_name"), {"name": "اضطراب ما بعد الصدمة"})
    assert NameCheck.objects.get().name == "كرب ما بعد الصدمة"
