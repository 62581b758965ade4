"""Headers that no library of ours sets."""

from collections.abc import Callable
from inspect import iscoroutinefunction

from django.http import HttpRequest, HttpResponse
from django.utils.decorators import sync_and_async_middleware

# Camera and microphone for our own pages only; nothing else that a browser could hand out.
POLICY = "camera=(self), microphone=(self), autoplay=(self), fullscreen=(self), geolocation=(), payment=(), usb=()"


@sync_and_async_middleware
def headers(get_response: Callable) -> Callable:
    """What a browser may use, and that it keeps no page: somebody else sits down at the ward's computer next."""
    if iscoroutinefunction(get_response):

        async def answer_later(request: HttpRequest) -> HttpResponse:
            return _with_headers(await get_response(request))

        return answer_later

    def answer(request: HttpRequest) -> HttpResponse:
        return _with_headers(get_response(request))

    return answer


def _with_headers(response: HttpResponse) -> HttpResponse:
    response["Permissions-Policy"] = POLICY
    response.headers.setdefault("Cache-Control", "no-store")
    return response
