"""Ollama's official client against a server of ours that speaks Ollama's protocol."""

import json
import socket
import time
from itertools import pairwise

import pytest
from pydantic import BaseModel, Field

from clinic.integrations import language
from clinic.integrations.language import (
    BadReply,
    BrokeOff,
    EmptyReply,
    InvalidReply,
    LanguageModelError,
    ModelUnknown,
    NotReachable,
    PromptTooLong,
    TruncatedReply,
    WrongLanguage,
    sentence_for,
    slots,
    tongues,
)
from tests.ollama_server import DIGEST, serving


class Note(BaseModel):
    title: str = Field(max_length=80)
    lines: list[str]


GOOD = json.dumps({"title": "A note", "lines": ["one", "two"]})


@pytest.fixture
def ollama(settings):
    """Starts a server that answers so: ollama("text", manner="break"); stopped afterwards."""
    open_servers = []

    def start(*replies, **options):
        context = serving(*replies, **options)
        server = context.__enter__()
        open_servers.append(context)
        settings.OLLAMA_HOST, settings.OLLAMA_MODEL, settings.OLLAMA_TIMEOUT = server.url, "llama3.2:3b", 1.0
        return server

    yield start
    for context in open_servers:
        context.__exit__(None, None, None)


def ask(prompt: str = "the data", **options) -> language.Told[Note]:
    return language.language_model().ask("You write notes.", prompt, Note, **options)


def test_a_reply_comes_back_as_what_was_asked_for(ollama):
    server = ollama(GOOD)
    told = ask()
    assert told.value == Note(title="A note", lines=["one", "two"])
    assert (told.engine, told.digest, told.tries) == ("ollama llama3.2:3b", DIGEST, 1)
    [request] = server.asked
    assert request["format"] == Note.model_json_schema()
    assert [message["role"] for message in request["messages"]] == ["system", "user"]
    assert request["options"]["temperature"] == 0


def test_seed_and_temperature_are_the_callers_where_it_names_them(ollama):
    server = ollama(GOOD)
    ask(seed=7, temperature=0.7)
    options = server.asked[0]["options"]
    assert (options["seed"], options["temperature"]) == (7, 0.7)


def test_a_reply_that_does_not_fit_is_sent_back_once_with_the_reason(ollama):
    server = ollama('{"title": "A note"}', GOOD)
    assert ask().tries == 2
    complaint = server.asked[1]["messages"][-1]
    assert complaint["role"] == "user"
    assert "lines: Field required" in complaint["content"]
    assert server.asked[1]["messages"][-2] == {"role": "assistant", "content": '{"title": "A note"}'}


@pytest.mark.parametrize(
    ("reply", "manner", "kind", "told"),
    [
        ("", "ok", EmptyReply, "was empty"),
        (" \n", "ok", EmptyReply, "was empty"),
        (GOOD[:25], "ok", TruncatedReply, "was too long and was cut off"),
        (GOOD[:25], "cut", TruncatedReply, "was too long and was cut off"),
        ("I am sorry, I cannot do that.", "ok", InvalidReply, "could not be used"),
        ("[]", "ok", InvalidReply, "could not be used"),
        ('{"title": 3, "lines": null}', "ok", InvalidReply, "title: Input should be a valid string"),
        ('{"title": "مرحبا", "lines": ["كيف حالك اليوم"]}', "ok", WrongLanguage, "was not in English"),
    ],
)
def test_two_replies_that_cannot_be_used_are_a_clear_failure_of_their_kind(ollama, reply, manner, kind, told):
    server = ollama(reply, manner=manner)
    with pytest.raises(kind) as raised:
        ask(language="en")
    assert len(server.asked) == 2
    assert told in server.asked[1]["messages"][-1]["content"]
    assert "llama3.2:3b" in str(raised.value)
    assert sentence_for(raised.value.state) == str(kind.sentence)


def test_neither_the_failure_nor_the_complaint_repeats_what_was_said(ollama):
    server = ollama('{"title": {"secret": "my mother"}, "lines": []}')
    with pytest.raises(BadReply) as raised:
        ask("a patient's words")
    assert "mother" not in str(raised.value)
    assert "mother" not in server.asked[1]["messages"][-1]["content"]


def test_a_model_that_ollama_does_not_have_is_named(ollama):
    ollama(GOOD, models=("mistral:7b",))
    with pytest.raises(ModelUnknown, match=r"ollama pull llama3\.2:3b"):
        ask()
    assert "no model “llama3.2:3b”" in language.trouble()


def test_a_model_that_disappears_between_check_and_chat_is_named_too(ollama, monkeypatch):
    ollama(GOOD, models=("mistral:7b",))
    monkeypatch.setattr(language.OllamaModel, "check", lambda self, patience: DIGEST)
    with pytest.raises(ModelUnknown):
        ask()


def test_a_bare_name_means_the_latest_version(ollama, settings):
    ollama(GOOD, models=("tiny:latest",))
    settings.OLLAMA_MODEL = "tiny"
    assert language.language_model().check() == DIGEST


@pytest.mark.parametrize(
    ("manner", "sentence"),
    [
        ("hang", "did not answer in time"),
        ("hang chat", "did not answer in time"),
        ("error", "refused .status 500"),
        ("redirect", "refused .status 307"),
        ("html", "is not Ollama"),
    ],
)
def test_a_server_in_trouble_is_a_clear_failure(ollama, manner, sentence):
    ollama(GOOD, manner=manner)
    began = time.monotonic()
    with pytest.raises(NotReachable, match=sentence):
        ask()
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("manner", ["break", "break later", "fail"])
def test_a_server_that_goes_away_while_it_writes_is_told_from_one_that_is_not_there(ollama, manner):
    ollama(GOOD, manner=manner)
    with pytest.raises(BrokeOff, match=r"while it was writing|broke off"):
        ask()


def test_a_redirect_is_not_followed(ollama):
    server = ollama(GOOD, manner="redirect")
    assert not language.available()
    assert server.paths == ["/api/tags"]


def test_a_proxy_from_the_environment_is_not_used(ollama, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    ollama(GOOD)
    assert ask().tries == 1


def test_whether_it_would_answer_is_known_within_a_second(ollama):
    ollama(GOOD, manner="hang")
    began = time.monotonic()
    assert "did not answer in time" in language.trouble()
    assert time.monotonic() - began < 2  # half a second to connect, half to answer, the rest for a busy machine


def test_where_nothing_listens_it_says_so(settings):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        settings.OLLAMA_HOST = f"http://127.0.0.1:{taken.getsockname()[1]}"
        assert "cannot be reached" in language.trouble()


@pytest.mark.parametrize("host", ["http://[broken", "http://no-such-host.invalid:11434", "ftp://127.0.0.1"])
def test_a_senseless_host_is_a_sentence_not_a_crash(settings, host):
    settings.OLLAMA_HOST = host
    assert language.trouble()


def test_without_a_host_there_is_no_model(settings):
    settings.OLLAMA_HOST = ""
    assert language.language_model() is None
    assert "No language model is set up" in language.trouble()


def test_available_when_it_answers_and_has_the_model(ollama):
    ollama(GOOD)
    assert language.available()


def test_each_request_asks_for_the_same_room_and_a_prompt_that_does_not_fit_is_refused(ollama, settings):
    server = ollama(GOOD)
    settings.OLLAMA_CONTEXT = 8192
    ask()
    ask("word " * 3_000)
    assert [request["options"]["num_ctx"] for request in server.asked] == [8192, 8192]
    with pytest.raises(PromptTooLong):
        ask("word " * 6_000)


def test_how_long_the_model_stays_in_memory_is_a_setting(ollama, settings):
    server = ollama(GOOD)
    settings.OLLAMA_KEEP_ALIVE = "30m"
    ask(most_tokens=300)
    assert server.asked[0]["keep_alive"] == "30m"
    assert server.asked[0]["options"]["num_predict"] == 300


def test_a_reply_that_never_ends_is_given_up(ollama, settings):
    ollama(GOOD * 50)
    settings.OLLAMA_LONGEST = 0.0
    with pytest.raises(NotReachable, match="did not come to an end"):
        ask()


def test_the_reply_is_told_as_it_grows(ollama):
    ollama(GOOD)
    grown: list[str] = []
    ask(on_text=grown.append)
    assert grown[-1] == GOOD
    assert all(later.startswith(earlier) for earlier, later in pairwise(grown))


# --- Only so many at once ---


def test_who_finds_no_slot_waits_says_so_and_is_served_in_the_end(ollama, monkeypatch):
    ollama(GOOD)
    monkeypatch.setattr(slots, "LOOK_EVERY", 0.01)
    taken, waited = slots._free_slot(1, 60), []

    def wait(why: str) -> None:
        waited.append(why)
        if len(waited) == 3:
            taken.give_back()

    assert ask(on_wait=wait).tries == 1
    assert len(waited) == 3
    assert "Waiting for the language model" in waited[0]


def test_two_may_ask_at_once_where_the_setting_says_so():
    with slots.a_slot(2, 60), slots.a_slot(2, 60):
        assert slots._free_slot(2, 60) is None
    assert slots._free_slot(2, 60)


def test_the_slot_of_a_dead_process_is_free_again_when_its_lease_is_over():
    assert slots._free_slot(1, 1)  # second, the least that Redis counts in here
    assert slots._free_slot(1, 60) is None
    time.sleep(1.2)
    assert slots._free_slot(1, 60)


def test_a_failure_gives_its_slot_back(ollama):
    ollama("")
    for _ in range(2):
        with pytest.raises(EmptyReply):
            ask()


def test_whoever_lost_a_slot_does_not_give_back_another_ones():
    lost = slots._free_slot(1, 1)
    time.sleep(1.2)
    assert slots._free_slot(1, 60)
    lost.give_back()
    assert slots._free_slot(1, 60) is None


# --- Languages ---


@pytest.mark.parametrize(
    ("text", "language", "is_in"),
    [
        ("The patient says that she sleeps badly and that her sister visits her.", "en", True),
        ("La paciente dice que duerme mal y que su hermana la visita todos los domingos por la tarde.", "en", False),
        (
            "Die Patientin sagt, dass ihre Schwester jeden Sonntag kommt und beide viel spazieren gehen.",
            "en",
            False,
        ),
        ("تقول المريضة إنها تنام بشكل سيئ وإن أختها تزورها كل يوم", "en", False),
        ("تقول المريضة إنها تنام بشكل سيئ وإن أختها تزورها كل يوم", "ar", True),
        ("تقول إنها أخذت Panadol قبل النوم مرتين", "ar", True),
        ("The patient says that she sleeps badly.", "ar", False),
        ("Oui.", "en", True),
        ("… 12:30", "ar", True),
        ("환자는 잠을 잘 못 잔다고 말한다", "ko", True),
    ],
)
def test_a_text_in_another_language_is_noticed_where_there_is_enough_of_it(text, language, is_in):
    assert tongues.is_in(text, language) is is_in


# --- The rest ---


def test_progress_is_told_while_the_model_writes(ollama):
    ollama(GOOD)
    shares: list[float] = []
    ask(on_progress=shares.append)
    assert shares == sorted(shares)
    assert len(shares) > 1


def test_every_failure_can_be_caught_as_one():
    assert all(issubclass(kind, LanguageModelError) for kind in (BadReply, ModelUnknown, NotReachable, PromptTooLong))


def test_examples_stand_as_turns_between_the_system_and_the_prompt(ollama):
    server = ollama(GOOD)
    ask(examples=[("first", "{}"), ("second", "[]")])
    [request] = server.asked
    turns = [(message["role"], message["content"]) for message in request["messages"][1:]]
    assert turns == [
        ("user", "first"),
        ("assistant", "{}"),
        ("user", "second"),
        ("assistant", "[]"),
        ("user", "the data"),
    ]
