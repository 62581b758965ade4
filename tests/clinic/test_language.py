"""Ollama's official client against a server of ours that speaks Ollama's protocol."""

import json
import socket
import time

import pytest
from pydantic import BaseModel, Field

from clinic.integrations import language
from clinic.integrations.language import BadReply, LanguageModelError, ModelUnknown, NotReachable, PromptTooLong
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


@pytest.mark.parametrize("reply", [GOOD[:25], "", "I am sorry, I cannot do that.", "[]", '{"title": 3, "lines": null}'])
def test_two_replies_that_do_not_fit_are_a_clear_failure(ollama, reply):
    server = ollama(reply)
    with pytest.raises(BadReply, match="2 times in a form that cannot be used"):
        ask()
    assert len(server.asked) == 2


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
    monkeypatch.setattr(language.OllamaModel, "check", lambda self: DIGEST)
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
        ("break", "cannot be reached|broke off"),
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


def test_room_is_asked_for_as_long_as_the_prompt_needs_and_not_beyond(ollama):
    server = ollama(GOOD)
    ask("word " * 6_000)
    assert server.asked[0]["options"]["num_ctx"] >= 6_000 + language.MOST_TOKENS
    with pytest.raises(PromptTooLong):
        ask("word " * 60_000)


def test_progress_is_told_while_the_model_writes(ollama):
    ollama(GOOD)
    shares: list[float] = []
    ask(on_progress=shares.append)
    assert shares == sorted(shares)
    assert len(shares) > 1


def test_every_failure_can_be_caught_as_one():
    assert all(issubclass(kind, LanguageModelError) for kind in (BadReply, ModelUnknown, NotReachable, PromptTooLong))
