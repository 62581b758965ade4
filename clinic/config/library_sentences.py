"""What the emotion library tells people. It knows nothing of Django, so nothing in it is marked for translation: its
sentences are found where they stand, and put into the reader's language where they are shown (clinic.reasons)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

SPOKEN = ("title", "description")  # of a setting
A_SENTENCE = re.compile(r"[A-Z].* |[a-z]+ [a-z]+ ")


def sentences(source: str) -> Iterator[str]:
    """Of a module: what its errors say, and what its settings, groups of settings and choices are called."""
    for node in ast.walk(ast.parse(source)):
        yield from filter(None, _of(node))


def _of(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
        text = _text(node.exc.args[0])
        yield text if A_SENTENCE.search(text) else ""
    elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Field":
        for word in node.keywords:
            yield _text(word.value) if word.arg in SPOKEN else ""
            yield from _choices(word.value) if word.arg == "json_schema_extra" else ()
    elif isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "").endswith("_TITLES"):
        yield from _values(node.value)
    elif isinstance(node, ast.ClassDef) and any(getattr(base, "id", "") == "Strict" for base in node.bases):
        yield " ".join((ast.get_docstring(node) or "").split())


def _choices(extra: ast.AST) -> Iterator[str]:
    for each in ast.walk(extra):
        if isinstance(each, ast.Dict):
            pairs = zip(each.keys, each.values, strict=True)
            yield from (text for key, value in pairs if _text(key) == "titles" for text in _values(value))


def _values(node: ast.AST | None) -> Iterator[str]:
    yield from map(_text, node.values) if isinstance(node, ast.Dict) else ()


def _text(node: ast.AST | None) -> str:
    """A text as it stands; one with places as the pattern that clinic.reasons looks for: "%(name)s is damaged."."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if not isinstance(node, ast.JoinedStr):
        return ""
    names: list[str] = []
    return "".join(
        str(part.value).replace("%", "%%") if isinstance(part, ast.Constant) else f"%({_name(part, names)})s"
        for part in node.values
    )


def _name(part: ast.AST, taken: list[str]) -> str:
    """What a place is called: the last plain name in it, or its number."""
    plain = [each.attr if isinstance(each, ast.Attribute) else each.id for each in _names(part)]
    name = plain[0] if plain and plain[0] not in taken else f"place{len(taken) + 1}"
    taken.append(name)
    return name


def _names(part: ast.AST) -> list[ast.Attribute | ast.Name]:
    return [each for each in ast.walk(part) if isinstance(each, (ast.Attribute, ast.Name))]
