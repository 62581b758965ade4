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
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.services import note_access
from emotion import access, tasks
from emotion.api.doors import EngineersDoor, RefusalSerializer
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


class NeedsSerializer(serializers.Serializer):
    """What a config would need: corpora with their splits, time and memory."""

    corpora = serializers.ListField(child=serializers.DictField())
    needs = serializers.DictField(allow_null=True)


class CurvesSerializer(serializers.Serializer):
    """By column: one value an epoch."""

    after = serializers.IntegerField()
    numbers = serializers.ListField(child=serializers.IntegerField())
    phases = serializers.ListField(child=serializers.IntegerField())
    figures = serializers.DictField(child=serializers.ListField(child=serializers.FloatField(allow_null=True)))
    recalls = serializers.DictField(child=serializers.ListField(child=serializers.FloatField(allow_null=True)))
    label_words = serializers.DictField(child=serializers.CharField())
    charts = serializers.ListField(child=serializers.DictField())
    steps = serializers.DictField()
    is_over = serializers.BooleanField()


# A sentence by place: {"config": {"net.width": "…"}}.
INVALID = {400: OpenApiTypes.OBJECT}
AFTER = OpenApiParameter("after", int, description="leaves out the epochs up to this one")


class Schema(EngineersDoor):
    @extend_schema(responses=OpenApiTypes.OBJECT, operation_id="training_schema")
    def get(self, request: Request) -> Response:
        """What a training config may say, as JSON schema."""
        return Response(TrainingConfig.model_json_schema())


class Checks(EngineersDoor):
    @extend_schema(request=ConfigSerializer, responses={200: NeedsSerializer, **INVALID}, operation_id="training_check")
    def post(self, request: Request) -> Response:
        """What a config would need; 400 with a sentence by place where it cannot run."""
        given = ConfigSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        return Response(asdict(_checked(given.validated_data["config"])[1]) | {"device": None})


class Runs(EngineersDoor):
    @extend_schema(responses=RunSerializer(many=True), operation_id="training_runs_list")
    def get(self, request: Request) -> Response:
        """All runs, the newest first."""
        return Response(RunSerializer(access.runs_of(self.user), many=True).data)

    @extend_schema(
        request=NewRunSerializer, responses={201: WholeRunSerializer, **INVALID}, operation_id="training_runs_queue"
    )
    def post(self, request: Request) -> Response:
        """Queue a run."""
        given = NewRunSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        config, _found = _checked(given.validated_data["config"])
        run = runs.queue(given.validated_data["name"], config, self.user)
        note_access(self.user, "train", f"training-run:{run.pk}")
        tasks.enqueue()
        return Response(WholeRunSerializer(run).data, status=status.HTTP_201_CREATED)


class Run(EngineersDoor):
    @extend_schema(responses=WholeRunSerializer, operation_id="training_runs_retrieve")
    def get(self, request: Request, pk: int) -> Response:
        """How a run stands."""
        return Response(WholeRunSerializer(access.run_for(self.user, pk)).data)


class Curves(EngineersDoor):
    @extend_schema(parameters=[AFTER], responses=CurvesSerializer, operation_id="training_runs_curves")
    def get(self, request: Request, pk: int) -> Response:
        """Its epochs by column."""
        after = request.query_params.get("after", "")
        return Response(studio.curves(access.run_for(self.user, pk), int(after) if after.isdigit() else 0))


class _Verb(EngineersDoor):
    name = ""
    do: Any = None

    @extend_schema(request=None, responses={200: WholeRunSerializer, 409: RefusalSerializer})
    def post(self, request: Request, pk: int) -> Response:
        """Stop after the next step, or go on from the last epoch."""
        run = type(self).do(access.run_for(self.user, pk))
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
