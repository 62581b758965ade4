"""Results of scales as JSON, for the clinician of the caseload.

    GET /api/interviews/<interview>/scales/

A total is null while scored items are missing. A band is the scale's own word; nothing here is a diagnosis.
"""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.services import note_access_once
from interviews import access, queries
from interviews.access import SAME_SITTING
from interviews.api import Door, RefusedSerializer


class ScaleItemSerializer(serializers.Serializer):
    number = serializers.IntegerField()
    text = serializers.CharField()
    value = serializers.IntegerField(allow_null=True, help_text="points; null where it was left out")
    answer = serializers.CharField(source="label")
    is_scored = serializers.BooleanField()
    how = serializers.CharField(help_text="click, voice, or empty")
    licence = serializers.CharField()


class ClusterSerializer(serializers.Serializer):
    name = serializers.CharField()
    title = serializers.CharField()
    score = serializers.IntegerField(allow_null=True)
    most = serializers.IntegerField()


class ScaleResultSerializer(serializers.Serializer):
    scale = serializers.IntegerField(source="scale_id")
    instrument = serializers.CharField()
    version = serializers.CharField()
    language = serializers.CharField()
    wording = serializers.CharField(help_text="official, unofficial or clinic")
    licence = serializers.CharField()
    score = serializers.IntegerField(allow_null=True, help_text="null while scored items are missing")
    most = serializers.IntegerField()
    band = serializers.CharField(help_text="the scale's own word for where the score lies; no diagnosis")
    missing = serializers.ListField(child=serializers.IntegerField())
    clusters = ClusterSerializer(many=True)
    items = ScaleItemSerializer(many=True, source="item_scores")
    answered_at = serializers.DateTimeField(allow_null=True)
    is_finished = serializers.BooleanField()


class Scales(Door):
    @extend_schema(
        operation_id="scales_results",
        responses={200: ScaleResultSerializer(many=True), 410: RefusedSerializer},
    )
    def get(self, request: Request, pk: int) -> Response:
        """The results of every scale that an interview of one's caseload asks."""
        interview = access.interview_for(self.person, pk)
        note_access_once(self.person, "read", f"scales:{interview.pk}", SAME_SITTING)
        return Response(ScaleResultSerializer(queries.scale_results(interview), many=True).data)
