"""A recording to be played: the one joined file of a kept take, sealed with its interview's key."""

from pathlib import Path

from django.core.files.storage import default_storage

from clinic import vault
from clinic.sealed_files import SealedFile
from interviews.models import Recording


def sealed_recording(recording: Recording, key: vault.Key) -> SealedFile:
    """The joined file of a recording. Raises FileNotFoundError while there is none."""
    if not recording.joined_path:
        raise FileNotFoundError(f"Recording {recording.pk} has not been joined.")
    return SealedFile(Path(default_storage.path(recording.joined_path)), key)
