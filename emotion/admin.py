"""Readings in the admin pages: which pack read what, never the points themselves."""

from django.contrib import admin
from django.http import HttpRequest

from emotion.models import StoredReading


@admin.register(StoredReading)
class StoredReadingAdmin(admin.ModelAdmin):
    list_display = ["recording", "pack", "duration", "created_at"]
    list_filter = ["pack"]
    search_fields = ["recording"]
    readonly_fields = [
        "recording",
        "pack",
        "pack_sha256",
        "versions",
        "rate",
        "duration",
        "summary",
        "created_at",
    ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: StoredReading | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: StoredReading | None = None) -> bool:
        return False
