"""Ollama's official client against a real small model behind its protocol. Structure only: its words mean nothing."""

import json

import ollama
import pytest
from pydantic import BaseModel, Field

from tests.gguf_server import CONTEXT, MODEL

pytestmark = pytest.mark.model

LONG = 300.0  # seconds: a busy machine writes 4 tokens a second
HELLO = [{"role": "user", "content": "Say hello."}]


class Note(BaseModel):
    title: str = Field(max_length=20)
    number: int


@pytest.fixture
def client(small_model) -> ollama.Client:
    return ollama.Client(small_model.url, timeout=LONG, trust_env=False)


def test_it_lists_its_model_with_digest_size_and_details(client):
    [model] = client.list().models
    assert model.model == MODEL
    assert len(model.digest) == 64
    assert model.size > 90_000_000
    assert model.details.family == "llama"
    assert client.show(MODEL).modelinfo["llama.context_length"] == CONTEXT


def test_it_streams_a_chat_and_ends_with_its_figures(client):
    parts = list(client.chat(MODEL, HELLO, stream=True, options={"num_predict": 6, "temperature": 0, "seed": 1}))
    assert "".join(part.message.content for part in parts)
    assert [part.done for part in parts] == [False] * (len(parts) - 1) + [True]
    last = parts[-1]
    assert (last.done_reason, last.eval_count) == ("length", 6)
    assert last.total_duration > 0
    assert last.prompt_eval_count > 0
    [running] = client.ps().models
    assert running.model == MODEL


def test_without_a_stream_the_same_seed_says_the_same(client):
    options = {"num_predict": 4, "temperature": 0, "seed": 1}
    first, second = (client.chat(MODEL, HELLO, options=options, keep_alive="1m") for _ in range(2))
    assert first.message.content == second.message.content
    assert first.done


def test_a_reply_has_the_form_of_the_schema(client):
    reply = client.chat(MODEL, HELLO, format=Note.model_json_schema(), options={"num_predict": 120, "temperature": 0})
    assert reply.done_reason == "stop"
    assert len(Note.model_validate_json(reply.message.content).title) <= 20


def test_a_reply_cut_by_its_limit_says_so(client):
    reply = client.chat(MODEL, HELLO, format=Note.model_json_schema(), options={"num_predict": 3, "temperature": 0})
    assert reply.done_reason == "length"
    with pytest.raises(json.JSONDecodeError):
        json.loads(reply.message.content)


def test_it_completes_a_bare_prompt(client):
    assert client.generate(MODEL, "Hello", options={"num_predict": 3, "temperature": 0}).response


def test_a_model_it_does_not_have_is_a_404_in_ollamas_words(client):
    with pytest.raises(ollama.ResponseError, match="model 'llama3:70b' not found") as raised:
        client.chat("llama3:70b", HELLO)
    assert raised.value.status_code == 404


def test_a_prompt_longer_than_its_context_is_refused(client):
    with pytest.raises(ollama.ResponseError, match="context") as raised:
        client.chat(MODEL, [{"role": "user", "content": "word " * 6_000}])
    assert raised.value.status_code == 400
