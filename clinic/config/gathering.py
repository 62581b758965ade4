"""Every string that pages and programs mark for translation, and what a catalogue lacks. Needs no gettext program."""

from __future__ import annotations

import ast
import io
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import polib
from babel.messages.extract import extract_python
from django.utils.translation.template import templatize

from clinic.config import library_sentences

ROOMS = ("clinic", "emotion", "interviews", "reports")
MODELS = "emotion/catalogue.toml"  # what others publish: what each is for is told to people
TOLD_OF_MODELS = ("use", "elsewhere")
LIBRARY = "/emotion/ml/"
UNHEARD = ("commands", "weights", "nets")  # of the library: for whoever types commands or writes code
PLAIN = ("_", "gettext", "gettext_lazy", "gettext_noop")
IN_CONTEXT = ("pgettext", "pgettext_lazy")
COUNTED = ("ngettext", "ngettext_lazy")
KEYWORDS = (*PLAIN, *IN_CONTEXT, *COUNTED)
NAMED = re.compile(r"%\(\w+\)[a-z]|(?<!\{)\{\w*\}")  # %(name)s of Python and templates, {name} of the scripts
MANY = 3  # from this form on a number is written out: "none", "one" and "both" may be words


def gather(root: Path) -> dict[tuple[str, str], polib.POEntry]:
    """One entry for each context and text, in the order of the files, without line numbers: they would change daily."""
    found: dict[tuple[str, str], polib.POEntry] = {}
    for path in _sources(root):
        name = path.relative_to(root).as_posix()
        for context, text, plural in _marked(path):
            entry = found.setdefault((context, text), polib.POEntry(msgid=text, msgctxt=context or None))
            if plural:
                entry.msgid_plural = plural
            if (name, "") not in entry.occurrences:
                entry.occurrences.append((name, ""))
            if "%(" in text:
                entry.flags = ["python-format"]
    return found


def _sources(root: Path) -> list[Path]:
    models = [path for path in [root / MODELS] if path.exists()]
    pages = [path for path in (root / "templates").rglob("*") if path.suffix in (".html", ".txt")]
    code = [path for room in ROOMS for path in (root / room).rglob("*.py") if "migrations" not in path.parts]
    code = [path for path in code if LIBRARY not in path.as_posix() or not set(UNHEARD) & set(path.parts)]
    return sorted(pages) + sorted(code) + models


def _marked(path: Path) -> Iterator[tuple[str, str, str]]:
    """(context, text, plural) of each marked string in a file."""
    text = path.read_text(encoding="utf-8")
    if LIBRARY in path.as_posix():
        yield from (("", sentence, "") for sentence in library_sentences.sentences(text))
        return
    if path.suffix == ".toml":
        yield from (
            ("", model[name], "") for model in tomllib.loads(text)["model"] for name in TOLD_OF_MODELS if name in model
        )
        return
    calls = _calls_in_code(text) if path.suffix == ".py" else _calls_in_page(text, path)
    for function, words in calls:
        context = words.pop(0) if function in IN_CONTEXT else ""
        if words:
            yield context, words[0], words[1] if function in COUNTED else ""


def _calls_in_code(text: str) -> Iterator[tuple[str, list[str]]]:
    """Also those inside of f-strings, and under whatever name gettext was imported."""
    tree = ast.parse(text)
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names = {each.asname or each.name: each.name for node in imports for each in node.names if each.name in KEYWORDS}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            function = names.get(called, called)
            if function in KEYWORDS:
                values = [each.value if isinstance(each, ast.Constant) else None for each in node.args]
                yield function, [value for value in values if isinstance(value, str)]


def _calls_in_page(text: str, path: Path) -> Iterator[tuple[str, list[str]]]:
    # What is left of the page around the calls has no meaning as Python, its indentation least of all.
    made = "\n".join(line.strip() for line in templatize(text, origin=str(path)).splitlines())
    for _line, name, said, _comments in extract_python(
        io.BytesIO(made.encode()), dict.fromkeys(KEYWORDS), [], {"encoding": "utf-8"}
    ):
        yield str(name), [said] if isinstance(said, str) else [word for word in said or () if word]


def merge(catalogue: polib.POFile, marked: dict[tuple[str, str], polib.POEntry]) -> polib.POFile:
    """The same catalogue with exactly what is marked; translations are kept, what nobody says any more is dropped."""
    known = {(entry.msgctxt or "", entry.msgid): entry for entry in catalogue if not entry.obsolete}
    merged = polib.POFile(wrapwidth=118)
    merged.metadata = catalogue.metadata
    for key, entry in marked.items():
        old = known.get(key)
        if old and bool(old.msgid_plural) == bool(entry.msgid_plural):
            entry.msgstr, entry.msgstr_plural = old.msgstr, old.msgstr_plural
            entry.flags += ["fuzzy"] if old.fuzzy else []
        elif entry.msgid_plural:
            entry.msgstr_plural = dict.fromkeys(range(6), "")
        merged.append(entry)
    return merged


def faults(catalogue: polib.POFile, marked: dict[tuple[str, str], polib.POEntry]) -> list[str]:
    """What keeps a catalogue from being whole, a line each."""
    entries = {(entry.msgctxt or "", entry.msgid): entry for entry in catalogue if not entry.obsolete}
    told = [f"not in the catalogue: {text!r}" for _context, text in marked if (_context, text) not in entries]
    for key, entry in entries.items():
        if key not in marked:
            told.append(f"nobody says it any more: {entry.msgid!r}")
        elif not entry.translated():
            told.append(f"{'fuzzy' if entry.fuzzy else 'not translated'}: {entry.msgid!r}")
        elif bool(entry.msgid_plural) != bool(marked[key].msgid_plural):
            told.append(f"one has a plural, the other has none: {entry.msgid!r}")
        else:
            told += [f"placeholders differ: {entry.msgid!r} → {text!r}" for text in _ill_filled(entry)]
    return told


def _ill_filled(entry: polib.POEntry) -> Iterator[str]:
    """Translations that leave a placeholder out, or have one that nobody fills."""
    needed = sorted(NAMED.findall(entry.msgid))
    if not entry.msgid_plural:
        if sorted(NAMED.findall(entry.msgstr)) != needed:
            yield entry.msgstr
        return
    needed = sorted(NAMED.findall(entry.msgid_plural))
    for form, text in entry.msgstr_plural.items():
        found = NAMED.findall(text)
        if not set(found) <= set(needed) or (form >= MANY and sorted(found) != needed):
            yield text
