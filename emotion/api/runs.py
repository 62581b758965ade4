"""Training as JSON, for engineers; everybody else gets a 404.

GET  /api/training/schema/               what a config may say, as JSON schema
POST /api/training/checks/               what a config would need; 400 with a sentence by place where it cannot run
GET  /api/training/runs/                 all runs, the newest first
POST /api/training/runs/                 queue one: {"name": …, "config": {…}}
GET  /api/training/runs/<run>/           how it stands
GET  /api/training/runs/<run>/curves/    its epochs by column; ?after=37 leaves out those before
POST /api/training/runs/<run>/stop/      after its next step
POST /api/training/runs/<run>/resume/    from its last epoch
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, cast

from django.http import Http404
from rest_framework import serializers, status
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from clinic.models import User
from clinic.services import note_access
from emotion import access, tasks
from emotion.errors import RunRefused
from emotion.ml.training.config import ConfigRefused, TrainingConfig
from emotion.models import TrainingRun
from emotion.queries import studio
from emotion.services import checks, runs


class RunSerializer(serializers.ModelSerializer):
    class Meta:
        model = TrainingRun
        fields = [
            "id",
            "name",
            "state",
            "reason",
            "device",
            "epochs_done",
            "epochs_planned",
            "seconds",
            "now",
            "created_at",
            "started_at",
            "ended_at",
            "sha256",
        ]


class WholeRunSerializer(RunSerializer):
    warnings = serializers.ListField(child=serializers.CharField(), source="last_warnings")

    class Meta(RunSerializer.Meta):
        fields = [*RunSerializer.Meta.fields, "config", "split", "results", "warnings"]


class NewRunSerializer(serializers.Serializer):
    name = serializers.CharField(max_length=TrainingRun._meta.get_field("name").max_length)
    config = serializers.DictField()


class ConfigSerializer(serializers.Serializer):
    config = serializers.DictField()


class EngineersOnly(BasePermission):
    def has_permission(self, request: Request, view: APIView) -> bool:
        if cast(User, request.user).role != User.Role.ENGINEER:
            raise Http404
        return True


class _View(APIView):
    permission_classes = [IsAuthenticated, EngineersOnly]

    @property
    def user(self) -> User:
        return cast(User, self.request.user)


class Schema(_View):
    def get(self, request: Request) -> Response:
        return Response(TrainingConfig.model_json_schema())


class Checks(_View):
    def post(self, request: Request) -> Response:
        given = ConfigSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        return Response(asdict(_checked(given.validated_data["config"])[1]) | {"device": None})


class Runs(_View):
    def get(self, request: Request) -> Response:
        return Response(RunSerializer(access.runs_of(self.user), many=True).data)

    def post(self, request: Request) -> Response:
        given = NewRunSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        config, _found = _checked(given.validated_data["config"])
        run = runs.queue(given.validated_data["name"], config, self.user)
        note_access(self.user, "train", f"training-run:{run.pk}")
        tasks.enqueue()
        return Response(WholeRunSerializer(run).data, status=status.HTTP_201_CREATED)


class Run(_View):
    def get(self, request: Request, pk: int) -> Response:
        return Response(WholeRunSerializer(access.run_for(self.user, pk)).data)


class Curves(_View):
    def get(self, request: Request, pk: int) -> Response:
        after = request.query_params.get("after", "")
        return Response(studio.curves(access.run_for(self.user, pk), int(after) if after.isdigit() else 0))


class _Verb(_View):
    name = ""
    do: Any = None

    def post(self, request: Request, pk: int) -> Response:
        run = access.run_for(self.user, pk)
        try:
            run = type(self).do(run)
        except RunRefused as error:
            return Response({"detail": str(error)}, status=status.HTTP_409_CONFLICT)
        note_access(self.user, self.name, f"training-run:{pk}")
        tasks.enqueue()
        return Response(WholeRunSerializer(run).data)


class Stop(_Verb):
    name = "stop"
    do = staticmethod(runs.stop)


class Resume(_Verb):
    name = "resume"
    do = staticmethod(runs.resume)


def _checked(values: dict[str, Any]) -> tuple[TrainingConfig, checks.Checked]:
    """Raises ValidationError, with a sentence by place."""
    try:
        config = TrainingConfig.checked(values)
    except ConfigRefused as refused:
        raise serializers.ValidationError({"config": refused.fields}) from refused
    found = checks.check(config)
    if found.problems:
        raise serializers.ValidationError({"config": found.problems})
    return config, found
