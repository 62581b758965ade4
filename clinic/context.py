"""What every page may need: the clinic's own words."""

from django.conf import settings
from django.http import HttpRequest


def house(request: HttpRequest) -> dict[str, str]:
    return {"crisis_text": settings.CRISIS_TEXT, "theme": _theme(request)}


def _theme(request: HttpRequest) -> str:
    """The colours this browser asked to keep; empty follows the device."""
    chosen = request.COOKIES.get("theme", "")
    return chosen if chosen in ("light", "dark") else ""
