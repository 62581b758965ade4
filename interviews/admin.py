"""A disorder's name, code, description and whether it is offered. Its question sets have pages of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from interviews.models import Disorder, QuestionSet

if TYPE_CHECKING:
    # Rows with what our queryset counts beside them.
    class OfferedDisorder(Disorder):
        offered: int


@admin.register(Disorder)
class DisorderAdmin(admin.ModelAdmin):
    list_display = ["name", "icd10", "is_active", "published"]
    list_filter = ["is_active"]
    search_fields = ["name", "icd10"]
    prepopulated_fields = {"slug": ["name"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Disorder]:
        offered = Count("question_sets", filter=Q(question_sets__state=QuestionSet.State.PUBLISHED))
        return super().get_queryset(request).annotate(offered=offered)

    @admin.display(description=gettext_lazy("published sets"), ordering="offered")
    def published(self, disorder: OfferedDisorder) -> int:
        return disorder.offered
