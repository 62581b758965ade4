"""Markdown → HTML that is safe to show: a fixed list of tags, no picture, no address but our own anchors."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import markdown
import nh3
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from reports.marking import ANCHOR

HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
TAGS = HEADINGS | {"p", "ul", "ol", "li", "blockquote", "em", "strong", "code", "pre", "hr", "br", "a"}
READ_EITHER_WAY = HEADINGS | {"p", "li", "blockquote"}  # Arabic and English stand side by side
LINK = re.compile(r'<a href="([^"]*)"[^>]*>(.*?)</a>', re.S)
HEADING = re.compile(r"<(/?)h([1-6])\b")
BARE = re.compile(r"<a>(.*?)</a>", re.S)  # what is left of a link to anywhere else


def to_html(text: str, answers: Mapping[int, int], href: Callable[[int, str], str], below: int = 0) -> SafeString:
    """A report as HTML.

    answers  the id of each answer, by its position in the interview
    href     the address at which a second of an answer can be seen
    below    the level of the heading it stands under: its own begin at the next
    """
    made = markdown.markdown(text, extensions=["sane_lists"], output_format="html")
    clean = nh3.clean(
        made,
        tags=TAGS,
        attributes={"a": {"href"}},
        set_tag_attribute_values={tag: {"dir": "auto"} for tag in READ_EITHER_WAY},
        attribute_filter=lambda tag, name, value: value if name != "href" or ANCHOR.match(value) else None,
        link_rel=None,
        url_schemes=set(),
        strip_comments=True,
    )
    clean = HEADING.sub(lambda found: f"<{found[1]}h{min(6, int(found[2]) + below)}", clean)
    linked = LINK.sub(lambda found: _link(found, answers, href), BARE.sub(r"\1", clean))
    return mark_safe(linked)  # noqa: S308 (cleaned above)


def _link(found: re.Match[str], answers: Mapping[int, int], href: Callable[[int, str], str]) -> str:
    """Our anchor as a link that a page can follow; of an answer that is not there, only its text."""
    place = ANCHOR.match(found[1])
    answer_id = answers.get(int(place["position"])) if place else None
    if place is None or answer_id is None:
        return found[2]
    seconds = place["seconds"]
    spoken = escape(_("Answer %(number)s from") % {"number": place["position"]})
    return (
        f'<a class="evidence" href="{escape(href(answer_id, seconds))}" data-answer="{answer_id}" '
        f'data-seconds="{seconds}"><span class="visually-hidden">{spoken} </span>{found[2]}</a>'
    )
