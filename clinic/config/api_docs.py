"""The API's description, for engineers: OpenAPI as JSON and YAML, and a page of it that asks no third party."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer2, OpenApiYamlRenderer2
from drf_spectacular.views import SpectacularAPIView
from rest_framework.permissions import IsAuthenticated

from clinic.access import SignedInRequest, must_be
from clinic.models import User
from emotion.api.doors import EngineersOnly

Plain = dict[str, Any]  # a piece of the schema
METHODS = ("get", "post", "put", "patch", "delete")


class Json(SpectacularAPIView):
    permission_classes = [IsAuthenticated, EngineersOnly]
    renderer_classes = [OpenApiJsonRenderer2]


class Yaml(SpectacularAPIView):
    permission_classes = [IsAuthenticated, EngineersOnly]
    renderer_classes = [OpenApiYamlRenderer2]


@dataclass(frozen=True)
class Field:
    name: str
    kind: str
    help: str = ""
    is_required: bool = False


@dataclass(frozen=True)
class Answer:
    status: str
    kind: str
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True)
class Operation:
    """One method of one address, as the page shows it."""

    id: str
    method: str
    path: str
    text: str
    takes: tuple[Field, ...] = ()
    answers: tuple[Answer, ...] = field(default_factory=tuple)


@never_cache
@require_safe
@must_be(User.Role.ENGINEER)
def page(request: SignedInRequest) -> HttpResponse:
    schema = SchemaGenerator().get_schema(request=None, public=True)
    groups: dict[str, list[Operation]] = {}
    for operation in operations(schema):
        groups.setdefault(operation.path.split("/")[2], []).append(operation)
    return render(request, "clinic/api.html", {"groups": sorted(groups.items()), "info": schema["info"]})


def operations(schema: Plain) -> Iterator[Operation]:
    parts = schema["components"]["schemas"]
    for path, methods in schema["paths"].items():
        for method in METHODS:
            if method in methods:
                yield _operation(path, method, methods[method], parts)


def _operation(path: str, method: str, told: Plain, parts: Plain) -> Operation:
    body = _content(told.get("requestBody", {}))
    answers = ((status, _content(answer)) for status, answer in told["responses"].items())
    return Operation(
        id=told["operationId"],
        method=method.upper(),
        path=path,
        text=told.get("description", ""),
        takes=_fields(body, parts),
        answers=tuple(Answer(status, _kind(content), _fields(content, parts)) for status, content in answers),
    )


def _content(told: Plain) -> Plain:
    """The shape of a body, whatever its type."""
    kinds: list[Plain] = list(told.get("content", {}).values())
    return kinds[0].get("schema", {}) if kinds else {}


def _fields(told: Plain, parts: Plain) -> tuple[Field, ...]:
    shape = _resolved(told.get("items", told), parts)
    wanted = shape.get("required", ())
    return tuple(
        Field(name, _kind(one), one.get("description", ""), name in wanted)
        for name, one in shape.get("properties", {}).items()
    )


def _resolved(told: Plain, parts: Plain) -> Plain:
    name = told.get("$ref", "").rpartition("/")[2]
    return parts[name] if name else told


def _kind(told: Plain) -> str:
    """A word for a shape: integer, list of Checkpoint, bytes."""
    if not told:
        return "–"
    if "$ref" in told:
        return told["$ref"].rpartition("/")[2]
    for several in ("allOf", "oneOf", "anyOf"):
        if several in told:
            return _kind(told[several][0])
    if told.get("type") == "array":
        return f"list of {_kind(told.get('items', {}))}"
    if told.get("format") == "binary":
        return "bytes"
    return str(told.get("format") or told.get("type", "anything"))
