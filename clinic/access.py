"""Who may: the object, or a 404. A stranger learns nothing, not even that it exists."""

from collections.abc import Callable
from functools import wraps

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from clinic.models import Patient, User


class SignedInRequest(HttpRequest):
    """What a page behind must_be gets: whoever asks is one of ours."""

    user: User


def patient_for(user: User, pk: int) -> Patient:
    return get_object_or_404(Patient.objects.visible_to(user), pk=pk)


def must_be(*roles: User.Role) -> Callable:
    """A page for these roles: others get a 404, the signed-out the sign-in page."""

    def guard(page: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @login_required
        @wraps(page)
        def guarded(request: SignedInRequest, *args: object, **kwargs: object) -> HttpResponse:
            if request.user.role not in roles:
                raise Http404
            return page(request, *args, **kwargs)

        return guarded

    return guard
