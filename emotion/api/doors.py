"""What every door of this room's API has: engineers only, and a sentence for each refusal."""

from __future__ import annotations

from typing import cast

from django.http import Http404
from rest_framework import serializers, status
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from clinic.models import User
from clinic.vault import VaultError
from emotion.errors import EmotionRoomError


class RefusalSerializer(serializers.Serializer):
    """`detail` is a sentence for a person, `code` the refusal's name."""

    detail = serializers.CharField()
    code = serializers.CharField()


class EngineersOnly(BasePermission):
    """To everybody else there is nothing here."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if cast(User, request.user).role != User.Role.ENGINEER:
            raise Http404
        return True


class EngineersDoor(APIView):
    permission_classes = [IsAuthenticated, EngineersOnly]

    @property
    def user(self) -> User:
        return cast(User, self.request.user)

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, EmotionRoomError):
            return self._refusal(exc, status.HTTP_409_CONFLICT)
        if isinstance(exc, VaultError):
            return self._refusal(exc, status.HTTP_410_GONE)
        return super().handle_exception(exc)

    def _refusal(self, error: Exception, code: int) -> Response:
        return Response({"detail": str(error), "code": type(error).__name__}, status=code)
