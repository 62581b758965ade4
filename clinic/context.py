"""What every page may need: the clinic's own words."""

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language


def house(request: HttpRequest) -> dict[str, str]:
    return {"crisis_text": _crisis_text(), "theme": _theme(request)}


def _crisis_text() -> str:
    """The clinic's own words, in the page's language: gettext cannot know them."""
    return settings.CRISIS_TEXT_AR if get_language() == "ar" else settings.CRISIS_TEXT


def _theme(request: HttpRequest) -> str:
    """The colours this browser asked to keep; empty follows the device."""
    chosen = request.COOKIES.get("theme", "")
    return chosen if chosen in ("light", "dark") else ""
