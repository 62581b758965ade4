"""In which language a page comes: the one somebody chose at its foot, kept in a cookie; until then the browser's."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation


def is_spoken(language: str) -> bool:
    """Whether our pages exist in it."""
    return language in dict(settings.LANGUAGES)


def begin(request: HttpRequest, language: str) -> None:
    """This page comes in this language, whatever the browser prefers."""
    translation.activate(language)
    request.LANGUAGE_CODE = translation.get_language()


def keep(response: HttpResponse, language: str) -> None:
    """So do all that follow, until the person chooses another: the cookie is the one that her choice sets, too."""
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=settings.LANGUAGE_COOKIE_AGE,
        secure=settings.LANGUAGE_COOKIE_SECURE,
        httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
        samesite="Lax",
    )
