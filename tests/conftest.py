"""The cast: a patient, her clinician, an admin, an engineer, and a stranger who tries every door."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.core.cache import caches
from django.utils import translation

from clinic.models import Patient, User
from interviews.models import Interview
from tests import factories
from tests.gguf_server import SmallModel, serving_gguf


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    """A page in Arabic leaves its language to whatever the same thread does next."""
    with translation.override("en"):
        yield


@pytest.fixture
def clinician(db) -> User:
    return factories.a_user(User.Role.CLINICIAN, email="dr.amari@clinic.example", name="Dr Amari")


@pytest.fixture
def patient(clinician) -> Patient:
    return factories.a_patient(clinician)


@pytest.fixture
def interview(patient) -> Interview:
    return factories.an_interview(patient)


@pytest.fixture
def answer(interview):
    return interview.answers.first()


@pytest.fixture
def stranger(db) -> User:
    """A clinician of the same clinic whose caseload this is not."""
    return factories.a_user(User.Role.CLINICIAN, email="stranger@clinic.example")


@pytest.fixture
def strange_patient(db) -> Patient:
    return factories.a_patient(name="Somebody Else")


@pytest.fixture
def admin(db) -> User:
    return factories.a_user(User.Role.ADMIN, email="admin@clinic.example")


@pytest.fixture
def engineer(db) -> User:
    return factories.a_user(User.Role.ENGINEER, email="engineer@clinic.example")


@pytest.fixture(scope="session")
def small_model() -> Iterator[SmallModel]:
    """A real language model behind Ollama's protocol, loaded once. It writes form, not sense."""
    with serving_gguf() as model:
        yield model


@pytest.fixture(autouse=True)
def fresh_cache(monkeypatch):
    """Keys of its own for each test: emptying a Redis that others use, too, would be rude."""
    monkeypatch.setattr(caches["default"], "key_prefix", uuid4().hex)


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
