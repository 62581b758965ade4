"""Who may: engineers train and look after models. To everybody else there is nothing here."""

from uuid import UUID

from django.http import Http404
from django.shortcuts import get_object_or_404

from clinic.access import must_be
from clinic.models import User
from emotion import catalogue
from emotion.models import Checkpoint, FetchedModel, Pack, SavedConfig, TrainingRun, Trial, Upload

engineers_only = must_be(User.Role.ENGINEER)


def run_for(user: User, pk: int) -> TrainingRun:
    """A run, for any engineer of the house: they look after the same models."""
    return get_object_or_404(runs_of(user).select_related("started_by"), pk=pk)


def runs_of(user: User):
    return TrainingRun.objects.all() if user.role == User.Role.ENGINEER else TrainingRun.objects.none()


def saved_config_for(user: User, pk: int) -> SavedConfig:
    rows = SavedConfig.objects.all() if user.role == User.Role.ENGINEER else SavedConfig.objects.none()
    return get_object_or_404(rows, pk=pk)


def checkpoint_for(user: User, pk: int) -> Checkpoint:
    return get_object_or_404(_of_engineers(user, Checkpoint.objects.select_related("run", "added_by")), pk=pk)


def pack_for(user: User, pk: int) -> Pack:
    rows = _of_engineers(user, Pack.objects.select_related("made_by"))
    return get_object_or_404(rows.prefetch_related("parts__checkpoint"), pk=pk)


def catalogued_for(user: User, name: str) -> catalogue.Model:
    model = catalogue.find(name) if user.role == User.Role.ENGINEER else None
    if model is None:
        raise Http404
    return model


def fetched_for(user: User, name: str) -> FetchedModel:
    """A model of the catalogue that somebody asked for."""
    return get_object_or_404(_of_engineers(user, FetchedModel.objects.all()), name=name)


def trial_for(user: User, pk: UUID) -> Trial:
    """Her own: not even another engineer sees it."""
    return get_object_or_404(_of_engineers(user, Trial.objects.select_related("pack")), pk=pk, owner=user)


def upload_for(user: User, pk: UUID) -> Upload:
    """Her own."""
    return get_object_or_404(_of_engineers(user, Upload.objects.all()), pk=pk, owner=user)


def _of_engineers(user: User, rows):
    return rows if user.role == User.Role.ENGINEER else rows.none()
