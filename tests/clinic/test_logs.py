import logging

import pytest

from clinic.logs import WithoutLiveLinks


def written(message: str, *values: object) -> str:
    record = logging.LogRecord("django.request", logging.WARNING, "", 0, message, values, None)
    assert WithoutLiveLinks().filter(record)
    return record.getMessage()


@pytest.mark.parametrize("path", ["/invitations/aBc-123_x/", "/accounts/password/reset/key/1-abc-def/"])
def test_a_link_that_lets_somebody_in_is_not_written(path):
    said = written("Forbidden (%s): %s", "CSRF cookie not set.", path)
    assert path not in said
    assert "…" in said
    assert "CSRF cookie not set." in said


def test_other_addresses_are_written_as_they_are():
    assert written("Not Found: %s", "/interviews/3/") == "Not Found: /interviews/3/"


def test_the_console_writes_through_this_filter(settings):
    assert settings.LOGGING["handlers"]["console"]["filters"] == ["without_live_links"]
