"""The API describes itself completely: every door is in the schema, without a warning."""

import pytest
from django.urls import URLPattern, get_resolver
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

# A stream of sealed parts, to listen to: no JSON, and an async view of Django's own.
NOT_JSON = {"/api/recordings/{id}/take"}


@pytest.fixture(scope="module")
def schema():
    GENERATOR_STATS.reset()
    made = SchemaGenerator().get_schema(request=None, public=True)
    assert (dict(GENERATOR_STATS._warn_cache), dict(GENERATOR_STATS._error_cache)) == ({}, {})
    return made


def routes(patterns, before="") -> list[str]:
    found = []
    for pattern in patterns:
        route = before + str(pattern.pattern)
        found += [route] if isinstance(pattern, URLPattern) else routes(pattern.url_patterns, route)
    return found


def test_the_schema_is_made_without_a_warning_and_is_valid(schema):
    validate_schema(schema)


def test_every_address_under_api_is_described(schema):
    ours = [route for route in routes(get_resolver().url_patterns) if route.startswith("api/")]
    described = [path for path in schema["paths"]]
    documents = {"api/", "api/openapi.json", "api/openapi.yaml"}
    assert len(ours) - len(documents) - len(NOT_JSON) == len(described)


def test_every_operation_says_what_it_answers(schema):
    for path, methods in schema["paths"].items():
        for method, told in methods.items():
            assert told["responses"], f"{method} {path}"
            assert "No response body" not in str(told["responses"].get("200", "")), f"{method} {path}"


def test_an_engineer_reads_it_as_json_as_yaml_and_on_a_page(client, engineer):
    client.force_login(engineer)
    told = client.get("/api/openapi.json").json()
    assert told["info"]["title"] == "Anamnesis"
    assert client.get("/api/openapi.yaml").content.startswith(b"openapi: 3")
    page = client.get("/api/").content.decode()
    assert "/api/trials/{id}/reading/" in page
    assert "/api/answers/{id}/recordings/" in page
    assert "/api/training/runs/" in page
