"""Checkpoints, packs and the catalogue as JSON, for engineers; everybody else gets a 404.

GET  /api/checkpoints/                     all of them, the newest first
POST /api/checkpoints/                     take an uploaded file: {"upload": …}; a worker looks at it
GET  /api/checkpoints/<checkpoint>/        one, with its card
GET  /api/packs/                           all packs, the newest first
POST /api/packs/                           make one: {"name": …, "checkpoints": […]}; a worker loads it
GET  /api/packs/serving/                   which pack new readings are made with
POST /api/packs/roll-back/                 back to the one before
GET  /api/packs/<pack>/                    one, and what the gate says of it
POST /api/packs/<pack>/promote/            put it to work: {"reason": …} where the gate refuses
GET  /api/catalogue/                       every model that can be had, and what is here
POST /api/catalogue/<name>/pull/           fetch it
POST /api/catalogue/<name>/confirm/        take it although nobody publishes a checksum
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from emotion import access, gate, registry_tasks
from emotion.api.doors import EngineersDoor, RefusalSerializer
from emotion.catalogue import Model
from emotion.models import Checkpoint, FetchedModel, Pack
from emotion.queries import shelves, work_on
from emotion.queries.trials import BUILD, IMPORT
from emotion.services import pulling, registry


class WorkSerializer(serializers.Serializer):
    """How far a worker is with it."""

    state = serializers.CharField()
    percent = serializers.IntegerField()
    reason = serializers.CharField()


class CheckpointSerializer(serializers.ModelSerializer):
    part = serializers.CharField(help_text="The part of a pack that it can be; empty: it reads no recording.")

    class Meta:
        model = Checkpoint
        fields = ["id", "name", "net", "part", "origin", "run", "size", "file_sha256", "weights_sha256", "added_at"]


class FiguresSerializer(serializers.Serializer):
    protocol = serializers.CharField()
    clips_sha256 = serializers.CharField(source="data", help_text="two figures with the same one can be compared")
    uar = serializers.FloatField()
    ece = serializers.FloatField(allow_null=True)
    clips = serializers.IntegerField(allow_null=True)


class WholeCheckpointSerializer(CheckpointSerializer):
    figures = serializers.SerializerMethodField()

    class Meta(CheckpointSerializer.Meta):
        fields = [*CheckpointSerializer.Meta.fields, "figures", "card"]

    @extend_schema_field(FiguresSerializer(many=True))
    def get_figures(self, checkpoint: Checkpoint) -> list[dict[str, Any]]:
        return FiguresSerializer(gate.figures_of(checkpoint.card), many=True).data  # type: ignore[return-value]


class PartSerializer(serializers.Serializer):
    part = serializers.CharField()
    checkpoint = CheckpointSerializer()


class PackSerializer(serializers.ModelSerializer):
    parts = PartSerializer(many=True, read_only=True)

    class Meta:
        model = Pack
        fields = ["id", "name", "sha256", "versions", "parts", "made_at"]


class CheckSerializer(serializers.Serializer):
    part = serializers.CharField()
    name = serializers.CharField()
    passed = serializers.BooleanField()
    sentence = serializers.CharField()


class WholePackSerializer(PackSerializer):
    work = serializers.SerializerMethodField(help_text="Until a worker has loaded it, it cannot serve.")
    gate = serializers.SerializerMethodField(help_text="Against the pack that serves now.")

    class Meta(PackSerializer.Meta):
        fields = [*PackSerializer.Meta.fields, "work", "gate"]

    @extend_schema_field(WorkSerializer)
    def get_work(self, pack: Pack) -> dict[str, Any]:
        return WorkSerializer(work_on(pack.subject, BUILD)).data

    @extend_schema_field(CheckSerializer(many=True))
    def get_gate(self, pack: Pack) -> list[dict[str, Any]]:
        return registry.judge(pack).as_json()


class NewCheckpointSerializer(serializers.Serializer):
    upload = serializers.UUIDField()


class NewPackSerializer(serializers.Serializer):
    name = serializers.SlugField(max_length=40)
    checkpoints = serializers.PrimaryKeyRelatedField(many=True, queryset=Checkpoint.objects.all())


class ReasonSerializer(serializers.Serializer):
    reason = serializers.CharField(required=False, allow_blank=True, default="")


class ServingSerializer(serializers.Serializer):
    name = serializers.CharField()
    pack = PackSerializer(allow_null=True, help_text="null: the starter pack")


class FileSerializer(serializers.Serializer):
    name = serializers.CharField()
    url = serializers.CharField()
    size = serializers.IntegerField(allow_null=True)
    sha256 = serializers.CharField(help_text="as published; empty: nobody publishes one")


class FetchedSerializer(serializers.ModelSerializer):
    class Meta:
        model = FetchedModel
        fields = ["file", "bytes_done", "bytes_total", "source", "checksums", "confirmed_how", "confirmed_at"]


class ModelSerializer(serializers.Serializer):
    name = serializers.CharField()
    title = serializers.CharField()
    kind = serializers.CharField()
    licence = serializers.CharField()
    origin = serializers.CharField()
    use = serializers.CharField()
    trained_on = serializers.ListField(child=serializers.CharField())
    contaminates = serializers.ListField(child=serializers.CharField())
    files = FileSerializer(many=True)
    elsewhere = serializers.CharField()


class ShelfSerializer(serializers.Serializer):
    """A model of the catalogue, and what is here of it."""

    model = ModelSerializer()
    fetched = FetchedSerializer(allow_null=True)
    work = WorkSerializer()


REFUSED = {409: RefusalSerializer}


class Checkpoints(EngineersDoor):
    @extend_schema(responses=CheckpointSerializer(many=True), operation_id="checkpoints_list")
    def get(self, request: Request) -> Response:
        """All checkpoints, the newest first."""
        return Response(CheckpointSerializer(Checkpoint.objects.all(), many=True).data)

    @extend_schema(request=NewCheckpointSerializer, responses={202: WorkSerializer, **REFUSED})
    def post(self, request: Request) -> Response:
        """A worker looks at the file: GET /api/uploads/<upload>/ says what became of it."""
        asked = NewCheckpointSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        upload = access.upload_for(self.user, asked.validated_data["upload"])
        registry_tasks.enqueue_import(upload)
        return Response(WorkSerializer(work_on(upload.subject, IMPORT)).data, status=status.HTTP_202_ACCEPTED)


class OneCheckpoint(EngineersDoor):
    @extend_schema(responses=WholeCheckpointSerializer, operation_id="checkpoints_retrieve")
    def get(self, request: Request, pk: int) -> Response:
        """One checkpoint with its card and its test figures."""
        return Response(WholeCheckpointSerializer(access.checkpoint_for(self.user, pk)).data)


class Packs(EngineersDoor):
    @extend_schema(responses=PackSerializer(many=True), operation_id="packs_list")
    def get(self, request: Request) -> Response:
        """All packs, the newest first."""
        return Response(PackSerializer(Pack.objects.prefetch_related("parts__checkpoint"), many=True).data)

    @extend_schema(request=NewPackSerializer, responses={202: WholePackSerializer, **REFUSED})
    def post(self, request: Request) -> Response:
        """Make a pack: the starter with these checkpoints in their places. A worker loads it once."""
        asked = NewPackSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        pack = registry.make_pack(asked.validated_data["name"], asked.validated_data["checkpoints"], self.user)
        registry_tasks.enqueue_pack(pack)
        pack.refresh_from_db()
        return Response(WholePackSerializer(pack).data, status=status.HTTP_202_ACCEPTED)


class OnePack(EngineersDoor):
    @extend_schema(responses=WholePackSerializer, operation_id="packs_retrieve")
    def get(self, request: Request, pk: int) -> Response:
        """What a pack is made of, and what the gate says of it."""
        return Response(WholePackSerializer(access.pack_for(self.user, pk)).data)


class Serving(EngineersDoor):
    @extend_schema(responses=ServingSerializer)
    def get(self, request: Request) -> Response:
        """Which pack new readings are made with."""
        return Response(_serving())


class Promote(EngineersDoor):
    @extend_schema(request=ReasonSerializer, responses={200: ServingSerializer, **REFUSED})
    def post(self, request: Request, pk: int) -> Response:
        """Put a pack to work; where the gate refuses, with a written reason."""
        pack = access.pack_for(self.user, pk)
        asked = ReasonSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        registry.promote(pack, self.user, asked.validated_data["reason"])
        return Response(_serving())


class RollBack(EngineersDoor):
    @extend_schema(request=None, responses={200: ServingSerializer, **REFUSED})
    def post(self, request: Request) -> Response:
        """Back to the pack that served before."""
        registry.roll_back(self.user)
        return Response(_serving())


class Catalogue(EngineersDoor):
    @extend_schema(responses=ShelfSerializer(many=True), operation_id="catalogue_list")
    def get(self, request: Request) -> Response:
        """Every model that can be had, and what is here of it."""
        return Response(ShelfSerializer(shelves.all_models(), many=True).data)


class OneModel(EngineersDoor):
    @extend_schema(responses=ShelfSerializer, operation_id="catalogue_retrieve")
    def get(self, request: Request, name: str) -> Response:
        """One model of the catalogue."""
        return Response(_shelf(access.catalogued_for(self.user, name)))


class Pull(EngineersDoor):
    @extend_schema(request=None, responses={202: ShelfSerializer, **REFUSED})
    def post(self, request: Request, name: str) -> Response:
        """Have a model fetched, or go on with one that broke off."""
        model = access.catalogued_for(self.user, name)
        registry_tasks.enqueue_pull(pulling.ask_for(model, self.user))
        return Response(_shelf(model), status=status.HTTP_202_ACCEPTED)


class Confirm(EngineersDoor):
    @extend_schema(request=None, responses={200: ShelfSerializer, **REFUSED})
    def post(self, request: Request, name: str) -> Response:
        """Take a model although nobody publishes a checksum: the computed one counts from now on."""
        model = access.catalogued_for(self.user, name)
        pulling.confirm(access.fetched_for(self.user, name), self.user)
        return Response(_shelf(model))


def _serving() -> dict[str, Any]:
    pack = registry.serving_pack()
    return ServingSerializer({"name": pack.name if pack else registry.STARTER, "pack": pack}).data


def _shelf(model: Model) -> dict[str, Any]:
    return ShelfSerializer(shelves.one_model(model)).data
