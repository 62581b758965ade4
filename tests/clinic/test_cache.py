"""With Redis away the cache stays usable, and its limits hold."""

import pytest
from django.core.cache import cache, caches

from clinic.config.cache import SteadyCache

NOBODY = "redis://127.0.0.1:1/0"


@pytest.fixture
def away(settings):
    settings.CACHES = {"default": {"BACKEND": "clinic.config.cache.SteadyCache", "LOCATION": NOBODY}}
    cache.clear()


def test_what_was_set_is_there_while_redis_is_away(away):
    cache.set("a", 1)
    assert (cache.get("a"), cache.add("a", 2), cache.incr("a")) == (1, False, 2)


def test_staff_can_sign_in_while_redis_is_away(away, client, clinician):
    assert isinstance(caches["default"], SteadyCache)
    response = client.post("/accounts/login/", {"login": clinician.email, "password": "correct horse"})
    assert response.status_code == 302


def test_guessing_is_stopped_while_redis_is_away(away, client, clinician):
    for _ in range(6):
        client.post("/accounts/login/", {"login": clinician.email, "password": "wrong"})
    response = client.post("/accounts/login/", {"login": clinician.email, "password": "correct horse"})
    assert response.status_code == 200
