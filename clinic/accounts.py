"""What allauth may do here: staff are made by an admin, patients come by invitation; nobody signs up."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver

from clinic.models import User


class ClosedAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


def for_staff_only(patterns: Sequence[URLPattern | URLResolver]) -> list[URLPattern | URLResolver]:
    """The same doors, but a patient finds a 404 behind each except signing out.

    A link gave her a visit on one device. A password or an e-mail address of her own would make it last for ever,
    for whoever holds that device for two minutes.
    """
    return [_guarded(pattern) for pattern in patterns]


def _guarded(pattern: URLPattern | URLResolver) -> URLPattern | URLResolver:
    if isinstance(pattern, URLResolver):
        inside = for_staff_only(pattern.url_patterns)
        return URLResolver(pattern.pattern, inside, pattern.default_kwargs, pattern.app_name, pattern.namespace)
    if pattern.name == "account_logout":
        return pattern
    return URLPattern(pattern.pattern, _not_for_patients(pattern.callback), pattern.default_args, pattern.name)


def _not_for_patients(page: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    @wraps(page)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.is_authenticated and request.user.role == User.Role.PATIENT:
            raise Http404
        return page(request, *args, **kwargs)

    return guarded
