"""A report's clean HTML → a tree of blocks as plain data, each with the direction it is read in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import groupby
from typing import Any

HEADINGS = {f"h{level}": level for level in range(1, 7)}
BLOCKS = {"p", "ul", "ol", "li", "blockquote", "hr", "pre", *HEADINGS}
EMPTY = {"br", "hr"}
# Around what must keep its own order inside a line of the other direction: a time in brackets, a date, 0:07-0:09.
ISOLATE, END_ISOLATE = "\u2066", "\u2069"
JOINED_NUMBERS = re.compile(r"\d+(?:[-/:.,]\d+)+")


@dataclass
class _Node:
    tag: str
    attributes: dict[str, str | None] = field(default_factory=dict)
    children: list[_Node | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(child if isinstance(child, str) else child.text for child in self.children)

    def said(self) -> str:
        """Its text without what only a screen reader is told."""
        shown = (child for child in self.children if isinstance(child, str) or not child.is_hidden)
        return "".join(child if isinstance(child, str) else child.said() for child in shown)

    @property
    def is_hidden(self) -> bool:
        return "visually-hidden" in (self.attributes.get("class") or "")


def blocks(html: str, direction: str) -> list[dict[str, Any]]:
    """What rendering.to_html made, as data. direction: of what has no letters of its own, "ltr" or "rtl"."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    made = [block for node in _without_gaps(reader.root.children) for block in _blocks(node, direction)]
    _put_headings_in_order(made)
    return made


def direction_of(text: str, otherwise: str = "ltr") -> str:
    """As browsers do for dir="auto": by the first letter that has a direction."""
    for letter in text:
        kind = unicodedata.bidirectional(letter)
        if kind in ("R", "AL"):
            return "rtl"
        if kind == "L":
            return "ltr"
    return otherwise


def words_of(block: dict[str, Any] | str) -> str:
    """What a block says, without its form."""
    if isinstance(block, str):
        return block
    return block.get("text", "") + "".join(words_of(child) for child in block.get("children", ()))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = _Node("root")
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = _Node(tag, dict(attrs))
        self._open[-1].children.append(node)
        if tag not in EMPTY:
            self._open.append(node)

    def handle_endtag(self, tag: str) -> None:
        if tag not in EMPTY and len(self._open) > 1:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)


def _blocks(node: _Node | str, otherwise: str) -> Iterator[dict[str, Any]]:
    if isinstance(node, str):
        yield _of("p", direction_of(node, otherwise), [node.strip()])
        return
    direction = direction_of(node.said(), otherwise)
    if node.tag == "pre":
        yield {"tag": "pre", "dir": "ltr", "text": node.text.rstrip("\n")}
    elif node.tag in HEADINGS:
        yield {**_of("heading", direction, _inline(node, direction)), "level": HEADINGS[node.tag]}
    elif node.tag in ("ul", "ol"):
        yield from _lists(node, otherwise)
    elif _holds_blocks(node):
        inside = [block for child in _without_gaps(_wrapped(node)) for block in _blocks(child, direction)]
        yield _of(node.tag, direction, inside)
    else:
        yield _of(node.tag, direction, _inline(node, direction))


def _lists(node: _Node, otherwise: str) -> Iterator[dict[str, Any]]:
    """A list whose points are read from both sides becomes several: a mark stands where its point begins."""
    points = [point for child in _without_gaps(node.children) for point in _blocks(child, otherwise)]
    first = 1
    for direction, group in groupby(points, key=lambda point: point["dir"]):
        together = list(group)
        yield {**_of(node.tag, direction, together), "start": first}
        first += len(together)


def _inline(node: _Node, direction: str) -> list[Any]:
    return [made for child in node.children for made in _inline_one(child, direction)]


def _inline_one(child: _Node | str, direction: str) -> Iterable[Any]:
    if isinstance(child, str):
        line = child.replace("\n", " ")
        yield JOINED_NUMBERS.sub(f"{ISOLATE}\\g<0>{END_ISOLATE}", line) if direction == "rtl" else line
    elif child.tag == "a":
        yield {"tag": "anchor", "text": f"{ISOLATE}[{child.said()}]{END_ISOLATE}"}
    elif child.tag == "code":
        yield {"tag": "code", "text": child.text}
    elif child.tag == "br":
        yield {"tag": "br"}
    elif not child.is_hidden:
        yield _of(child.tag, direction, _inline(child, direction))


def _of(tag: str, direction: str, children: list[Any]) -> dict[str, Any]:
    return {"tag": tag, "dir": direction, "children": children}


def _holds_blocks(node: _Node) -> bool:
    return any(isinstance(child, _Node) and child.tag in BLOCKS for child in node.children)


def _wrapped(node: _Node) -> list[_Node | str]:
    """Its children, words that stand between blocks gathered into paragraphs."""
    made: list[_Node | str] = []
    for child in node.children:
        if isinstance(child, _Node) and child.tag in BLOCKS:
            made.append(child)
        elif made and isinstance(made[-1], _Node) and made[-1].tag == "line":
            made[-1].children.append(child)
        else:
            made.append(_Node("line", children=[child]))
    return made


def _without_gaps(children: list[_Node | str]) -> list[_Node | str]:
    return [
        child
        for child in children
        if (child.text.strip() or child.tag in EMPTY if isinstance(child, _Node) else child.strip())
    ]


def _put_headings_in_order(made: list[dict[str, Any]]) -> None:
    """The first is of level 1 and none skips a level: what readers of a tagged PDF rely on."""
    last = 0
    for one in made:
        if one["tag"] == "heading":
            last = one["level"] = min(one["level"], last + 1)
