"""Recordings as the browser sends them: the patient's own answers only, everybody else gets a 404.

    POST /api/answers/<answer>/recordings/      open a take: {"id": uuid made by the browser, "mime_type": …}
    PUT  /api/recordings/<take>/chunks/<seq>    one part, with Content-Digest: sha-256=:<base64>:
    GET  /api/recordings/<take>/chunks/         what has arrived
    GET  /api/recordings/<take>/chunks/<seq>    one part back
    GET  /api/recordings/<take>/take            all of it, to listen to after coming back
    POST /api/recordings/<take>/complete        keep it: {"chunks": how many}; 409 lists the missing ones
    POST /api/recordings/<take>/discard         record again

Every refusal is {"detail": a sentence for a person, "code": its name}.
"""

import base64
import re
from collections.abc import AsyncIterator
from typing import Any, cast
from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.parsers import BaseParser, JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from clinic.errors import ConsentMissing
from clinic.models import User
from clinic.services import note_access
from clinic.vault import VaultError
from interviews import access, live, services, tasks
from interviews.chunks import read_chunk
from interviews.errors import ChunkRefused, ChunksMissing, InterviewError, TooLarge
from interviews.models import Chunk, Recording

SHA256 = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):\s*(?:,|$)")  # RFC 9530


class TakeSerializer(serializers.Serializer):
    id = serializers.UUIDField(required=False)
    mime_type = serializers.CharField(max_length=80)


class CompleteSerializer(serializers.Serializer):
    chunks = serializers.IntegerField(min_value=0)


class TakenSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    state = serializers.CharField()


class StateSerializer(serializers.Serializer):
    state = serializers.CharField()


class KeptPartSerializer(serializers.Serializer):
    seq = serializers.IntegerField()
    sha256 = serializers.CharField()


class ArrivedPartSerializer(KeptPartSerializer):
    size = serializers.IntegerField()


class ArrivedSerializer(StateSerializer):
    mime_type = serializers.CharField()
    chunks = ArrivedPartSerializer(many=True)


class ReceiptSerializer(serializers.Serializer):
    receipt = serializers.CharField()
    recorded_at = serializers.DateTimeField()


class RefusedSerializer(serializers.Serializer):
    """`detail` is a sentence for a person, `code` the refusal's name."""

    detail = serializers.CharField()
    code = serializers.CharField()
    missing = serializers.ListField(
        child=serializers.IntegerField(), required=False, help_text="parts that have not arrived"
    )


REFUSED = dict.fromkeys((403, 409, 410), RefusedSerializer)
DIGEST = OpenApiParameter(
    "Content-Digest", str, OpenApiParameter.HEADER, required=True, description="sha-256=:<base64>: (RFC 9530)"
)


class RawParser(BaseParser):
    """The body as it came, and never more of it than one byte above the limit."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        return stream.read(settings.MAX_CHUNK_BYTES + 1)


class Door(APIView):
    parser_classes = [JSONParser]

    @property
    def person(self) -> User:
        return cast(User, self.request.user)  # signed in, or REST_FRAMEWORK's permission would have refused

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, InterviewError):
            return self._refuse(exc, exc.status)
        if isinstance(exc, ConsentMissing):
            return self._refuse(exc, status.HTTP_403_FORBIDDEN)
        if isinstance(exc, VaultError):
            return self._refuse(exc, status.HTTP_410_GONE)
        return super().handle_exception(exc)

    def _refuse(self, error: Exception, code: int) -> Response:
        body: dict[str, Any] = {"detail": str(error), "code": type(error).__name__}
        if isinstance(error, ChunksMissing):
            body["missing"] = error.missing
        return Response(body, status=code)


class Takes(Door):
    @extend_schema(
        operation_id="takes_open",
        request=TakeSerializer,
        responses={**dict.fromkeys((200, 201), TakenSerializer), **REFUSED},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Open a take of an answer; the browser may bring its id, so that asking again is harmless."""
        answer = access.own_answer(self.person, pk)
        asked = TakeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        named = asked.validated_data
        take, is_new = services.start_recording(answer, named["mime_type"], named.get("id"))
        live.tell(answer.interview_id, answer=answer.pk)
        return Response({"id": take.pk, "state": take.state}, status=201 if is_new else 200)


class Chunks(Door):
    @extend_schema(operation_id="takes_arrived", responses=ArrivedSerializer)
    def get(self, request: Request, pk: UUID) -> Response:
        """What has arrived of a take."""
        take = access.own_recording(self.person, pk)
        chunks = [{"seq": chunk.seq, "sha256": chunk.sha256, "size": chunk.size} for chunk in take.chunks.all()]
        return Response({"state": take.state, "mime_type": take.mime_type, "chunks": chunks})


class OneChunk(Door):
    parser_classes = [RawParser]

    @extend_schema(
        operation_id="takes_put_part",
        parameters=[DIGEST],
        request={"application/octet-stream": OpenApiTypes.BINARY},
        responses={
            **dict.fromkeys((200, 201), KeptPartSerializer),
            **dict.fromkeys((400, 403, 409, 410, 413), RefusedSerializer),
        },
    )
    def put(self, request: Request, pk: UUID, seq: int) -> Response:
        """One part of a take, with its sha-256; the same part may come again."""
        take = access.own_recording(self.person, pk)
        _must_fit(request)
        digest = _digest_of(request)
        body = request.data if isinstance(request.data, bytes) else b""
        chunk, is_new = services.receive_chunk(take, seq, body, digest)
        return Response({"seq": chunk.seq, "sha256": chunk.sha256}, status=201 if is_new else 200)

    @extend_schema(
        operation_id="takes_get_part",
        responses={
            (200, "application/octet-stream"): OpenApiTypes.BINARY,
            **dict.fromkeys((404, 410), RefusedSerializer),
        },
    )
    def get(self, request: Request, pk: UUID, seq: int) -> HttpResponse:
        """One part back."""
        take = access.own_recording(self.person, pk)
        chunk = take.chunks.filter(seq=seq).first()
        if chunk is None:
            return Response({"detail": _("This part has not arrived."), "code": "ChunkMissing"}, status=404)
        chunk.recording = take
        body = read_chunk(chunk, take.answer.interview.key)
        return HttpResponse(body, content_type="application/octet-stream", headers={"Cache-Control": "no-store"})


class Complete(Door):
    @extend_schema(
        operation_id="takes_complete", request=CompleteSerializer, responses={200: ReceiptSerializer, **REFUSED}
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """Keep the take: this is the answer. 409 lists parts that have not arrived."""
        take = access.own_recording(self.person, pk)
        asked = CompleteSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        answer = services.keep_recording(take, asked.validated_data["chunks"])
        note_access(self.person, "kept an answer", answer.subject)
        tasks.enqueue(answer.pk)
        live.tell(answer.interview_id, answer=answer.pk)
        return Response({"receipt": answer.receipt, "recorded_at": answer.recorded_at})


class Discard(Door):
    @extend_schema(operation_id="takes_discard", request=None, responses={200: StateSerializer, **REFUSED})
    def post(self, request: Request, pk: UUID) -> Response:
        """Throw the take away, to record again."""
        take = services.discard_recording(access.own_recording(self.person, pk))
        return Response({"state": take.state})


@require_GET
@never_cache
async def take(request: HttpRequest, pk: UUID) -> StreamingHttpResponse:
    """The parts that have arrived without a gap, one after the other, as one playable stream."""
    user = await request.auser()
    recording = await sync_to_async(access.own_recording)(cast(User, user), pk)  # a visitor finds nothing
    chunks = await sync_to_async(_without_gap)(recording)
    return StreamingHttpResponse(_stream(recording, chunks), content_type=recording.mime_type)


async def _stream(recording: Recording, chunks: list[Chunk]) -> AsyncIterator[bytes]:
    key = recording.answer.interview.key
    for chunk in chunks:
        chunk.recording = recording
        yield await sync_to_async(read_chunk)(chunk, key)


def _without_gap(recording: Recording) -> list[Chunk]:
    return [chunk for place, chunk in enumerate(recording.chunks.order_by("seq")) if chunk.seq == place]


def _must_fit(request: Request) -> None:
    if int(request.META.get("CONTENT_LENGTH") or 0) > settings.MAX_CHUNK_BYTES:
        raise TooLarge(_("This part of the recording is too large."))


def _digest_of(request: Request) -> str:
    """The sha-256 of a Content-Digest header, in hex. Raises ChunkRefused."""
    found = SHA256.search(request.headers.get("Content-Digest", ""))
    if found is None:
        raise ChunkRefused(_("A part of a recording needs a Content-Digest header with its sha-256."))
    return base64.b64decode(found[1]).hex()
