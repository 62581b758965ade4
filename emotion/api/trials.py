"""Files on their way in, and trials, as JSON: each engineer sees her own, everybody else gets a 404.

POST   /api/uploads/                       a file will come: {"size": bytes, "name": …}; says how many parts it has
PUT    /api/uploads/<upload>/parts/<n>     one part, from 0; all but the last are `part_bytes` long
GET    /api/uploads/<upload>/              what has arrived, and what became of it
DELETE /api/uploads/<upload>/
GET    /api/trials/                        hers, the newest first
POST   /api/trials/                        try uploads with a pack: {"uploads": […], "pack": …}; a worker reads them
GET    /api/trials/<trial>/                how far it is
GET    /api/trials/<trial>/reading/        what was read; 404 until it was
DELETE /api/trials/<trial>/                files and reading, at once
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from emotion import access, registry_tasks
from emotion.api.doors import EngineersDoor, RefusalSerializer
from emotion.api.registry import WorkSerializer
from emotion.ml.labels import LABELS
from emotion.models import Pack, Trial, Upload
from emotion.queries import pictures, timeline, trials_of, work_on
from emotion.queries.trials import IMPORT, READ
from emotion.services import trying

REFUSED = {409: RefusalSerializer}


class RawParser(BaseParser):
    """The body as it came, and never more of it than one byte above the limit."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        return stream.read(settings.MAX_CHUNK_BYTES + 1)


class NewUploadSerializer(serializers.Serializer):
    size = serializers.IntegerField(min_value=0, help_text="bytes")
    name = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=200, help_text="of a checkpoint; leave a clip's out"
    )


class UploadSerializer(serializers.ModelSerializer):
    part_bytes = serializers.SerializerMethodField()
    parts = serializers.SerializerMethodField()
    missing = serializers.SerializerMethodField(help_text="parts that have not arrived")
    work = serializers.SerializerMethodField(help_text="of taking it into the registry")

    class Meta:
        model = Upload
        fields = ["id", "size", "part_bytes", "parts", "missing", "work", "checkpoint"]

    def get_part_bytes(self, upload: Upload) -> int:
        return settings.MAX_CHUNK_BYTES

    def get_parts(self, upload: Upload) -> int:
        return trying.parts_of(upload)

    def get_missing(self, upload: Upload) -> list[int]:
        return trying.missing_parts(upload)

    @extend_schema_field(WorkSerializer)
    def get_work(self, upload: Upload) -> dict[str, Any]:
        return WorkSerializer(work_on(upload.subject, IMPORT)).data


class NewTrialSerializer(serializers.Serializer):
    uploads = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=trying.MOST_FILES)
    pack = serializers.PrimaryKeyRelatedField(
        queryset=Pack.objects.all(), required=False, allow_null=True, default=None, help_text="null: the serving pack"
    )


class TrialSerializer(serializers.ModelSerializer):
    work = serializers.SerializerMethodField()

    class Meta:
        model = Trial
        fields = ["id", "kind", "pack", "created_at", "expires_at", "work"]

    @extend_schema_field(WorkSerializer)
    def get_work(self, trial: Trial) -> dict[str, Any]:
        return WorkSerializer(work_on(trial.subject, READ)).data


class FaceSerializer(serializers.Serializer):
    box = serializers.ListField(child=serializers.FloatField(), help_text="left, top, right, bottom, 0 to 1")
    sure = serializers.FloatField()
    expression = serializers.ListField(child=serializers.FloatField(), help_text="over `labels`")


class PictureSerializer(serializers.Serializer):
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    gap = serializers.CharField(allow_null=True, help_text="why a recording would have no reading at such a moment")
    faces = FaceSerializer(many=True)


class PointSerializer(serializers.Serializer):
    """A moment; what is not there was not read, and a gap says why."""

    at = serializers.FloatField(help_text="seconds")
    face = serializers.ListField(child=serializers.FloatField(), required=False)
    voice = serializers.ListField(child=serializers.FloatField(), required=False)
    fused = serializers.ListField(child=serializers.FloatField(), required=False)
    box = serializers.ListField(child=serializers.FloatField(), required=False)
    face_gap = serializers.CharField(required=False)
    voice_gap = serializers.CharField(required=False)
    speech = serializers.FloatField()
    pitch = serializers.FloatField(required=False, help_text="semitones over 55 Hz")
    arousal = serializers.FloatField(required=False, help_text="z-score against this recording")


class ReadingSerializer(serializers.Serializer):
    """Of a clip or a sound: `points`. Of pictures: `pictures`."""

    labels = serializers.ListField(child=serializers.CharField())
    pack = serializers.CharField()
    pack_sha256 = serializers.CharField()
    versions = serializers.DictField(child=serializers.CharField())
    duration = serializers.FloatField(required=False)
    rate = serializers.FloatField(required=False, help_text="points a second")
    failures = serializers.DictField(child=serializers.CharField(), required=False)
    points = PointSerializer(many=True, required=False)
    pictures = PictureSerializer(many=True, required=False)


class Uploads(EngineersDoor):
    @extend_schema(request=NewUploadSerializer, responses={201: UploadSerializer, **REFUSED})
    def post(self, request: Request) -> Response:
        """Announce a file; the answer says in how many parts it comes."""
        asked = NewUploadSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        upload = trying.open_upload(self.user, asked.validated_data["size"], asked.validated_data["name"])
        return Response(UploadSerializer(upload).data, status=status.HTTP_201_CREATED)


class OneUpload(EngineersDoor):
    @extend_schema(responses=UploadSerializer)
    def get(self, request: Request, pk: UUID) -> Response:
        """What has arrived of a file, and what became of it."""
        return Response(UploadSerializer(access.upload_for(self.user, pk)).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: UUID) -> Response:
        """Throw a file away."""
        trying.erase_upload(access.upload_for(self.user, pk))
        return Response(status=status.HTTP_204_NO_CONTENT)


class Part(EngineersDoor):
    parser_classes = [RawParser]

    @extend_schema(request={"application/octet-stream": OpenApiTypes.BINARY}, responses={204: None, **REFUSED})
    def put(self, request: Request, pk: UUID, number: int) -> Response:
        """One part, from 0; all but the last are part_bytes long. The same part may come again."""
        upload = access.upload_for(self.user, pk)
        trying.receive_part(upload, number, request.data if isinstance(request.data, bytes) else b"")
        return Response(status=status.HTTP_204_NO_CONTENT)


class Trials(EngineersDoor):
    @extend_schema(responses=TrialSerializer(many=True), operation_id="trials_list")
    def get(self, request: Request) -> Response:
        """Your own trials, the newest first."""
        return Response(TrialSerializer([trial for trial, _work in trials_of(self.user)], many=True).data)

    @extend_schema(request=NewTrialSerializer, responses={202: TrialSerializer, **REFUSED})
    def post(self, request: Request) -> Response:
        """Try uploaded files with a pack: a clip, a sound, or several pictures. A worker reads them."""
        asked = NewTrialSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        uploads = [access.upload_for(self.user, pk) for pk in asked.validated_data["uploads"]]
        trial = trying.start_trial(self.user, uploads, asked.validated_data["pack"])
        registry_tasks.enqueue_trial(trial)
        return Response(TrialSerializer(trial).data, status=status.HTTP_202_ACCEPTED)


class OneTrial(EngineersDoor):
    @extend_schema(responses=TrialSerializer, operation_id="trials_retrieve")
    def get(self, request: Request, pk: UUID) -> Response:
        """How far a trial is."""
        return Response(TrialSerializer(access.trial_for(self.user, pk)).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: UUID) -> Response:
        """Delete files, reading and key at once."""
        trying.erase_trial(access.trial_for(self.user, pk))
        return Response(status=status.HTTP_204_NO_CONTENT)


class Reading(EngineersDoor):
    @extend_schema(responses={200: ReadingSerializer, 404: RefusalSerializer}, operation_id="trials_reading")
    def get(self, request: Request, pk: UUID) -> Response:
        """What was read, moment by moment or face by face."""
        read = _reading(access.trial_for(self.user, pk))
        if read is None:
            told = {"detail": _("Nothing has been read yet."), "code": "NotReadYet"}
            return Response(told, status=status.HTTP_404_NOT_FOUND)
        return Response({"labels": list(LABELS), **read})


def _reading(trial: Trial) -> dict[str, Any] | None:
    if trial.kind == Trial.Kind.PICTURES:
        return pictures(trial)
    kept = timeline(trial.pk, trial.key)
    if kept is None:
        return None
    return {
        "pack": kept.pack,
        "pack_sha256": kept.pack_sha256,
        "versions": kept.versions,
        "duration": kept.duration,
        "rate": kept.rate,
        "failures": kept.summary.get("failures", {}),
        "points": [point.as_json() for point in kept.points],
    }
