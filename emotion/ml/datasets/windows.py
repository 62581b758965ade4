"""A clip of a corpus → the window that nets are shown: levelled faces and the sound of the same seconds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from emotion.ml import packs
from emotion.ml.datasets.clips import Clip
from emotion.ml.datasets.made import MadeClip
from emotion.ml.errors import NoSound, UnreadableRecording
from emotion.ml.faces import Cascade, CascadeConfig, ChoiceConfig, Face, Follower, Look, cut_level
from emotion.ml.media import SAMPLE_RATE, Picture, Sound, probe, stream
from emotion.ml.media.opening import CORPUS_CONTAINERS

SHORTEST = 0.1  # seconds


@dataclass(frozen=True)
class WindowConfig:
    """
    seconds       the middle of a clip that is shown; a shorter clip is shown whole
    frames        evenly spaced over those seconds, each in the middle of its share of them
    side          pixels of a face
    lines         the shorter side that pictures are reduced to when they are decoded
    margin        the cut-out face's width over its box's, as in the starter pack
    search_every  frames from one search of a whole picture to the next; the face is followed in between
    choice        as when recordings are read, but faces may be smaller: IEMOCAP's actors sit far from the camera

    3.6 s and 15 frames: Chumachenko et al., ICPR 2022, whose published code shows the first 3.6 s of the video with the
    middle 3.6 s of the sound. Here both are the middle.
    """

    seconds: float = 3.6
    frames: int = 15
    side: int = 224
    lines: int = 480
    margin: float = 1.2
    search_every: int = 5
    cascade: CascadeConfig = field(default_factory=CascadeConfig)
    choice: ChoiceConfig = field(default_factory=lambda: ChoiceConfig(smallest=0.1))


class Window(NamedTuple):
    """
    faces:    (frame, 3, side, side) uint8, zeros where there is no face
    sound:    (sample,) float32, 16 kHz, -1 to 1: exactly the seconds over which the frames are spread
    has_face: (frame,) bool
    text:     what is said, where the corpus has it
    """

    faces: NDArray[np.uint8]
    sound: NDArray[np.float32]
    has_face: NDArray[np.bool_]
    text: str = ""


class Windows(Protocol):
    """Clips and what each one shows; `digest` is the sha256 of all of it."""

    @property
    def clips(self) -> Sequence[Clip]: ...

    @property
    def digest(self) -> str: ...

    def window(self, name: str) -> Window: ...


def load_cascade(device: str = "cpu") -> Cascade:
    """The starter pack's face finder. Raises WrongCheckpoint."""
    pack = packs.starter()
    cascade = Cascade(CascadeConfig())
    for net, role in (
        (cascade.propose, "face-proposal"),
        (cascade.refine, "face-refinement"),
        (cascade.confirm, "face-confirmation"),
    ):
        net.load_state_dict(torch.load(pack.file(role), weights_only=True))
    return cascade.to(device).eval()


def cut_window(clip: Clip, config: WindowConfig, cascade: Cascade, device: str = "cpu") -> Window:
    """Raises UnreadableRecording and NoSound."""
    start, seconds = span(clip, config)
    faces = np.zeros((config.frames, 3, config.side, config.side), np.uint8)
    has_face = np.zeros(config.frames, bool)
    if clip.video is not None:
        for look, face in _seen(clip, start, seconds, config, cascade, device):
            faces[look.point], has_face[look.point] = _cut(look, face, config), True
    return Window(faces, _heard(clip, start, seconds), has_face, clip.text)


def span(clip: Clip, config: WindowConfig) -> tuple[float, float]:
    """Where the window begins, in seconds from the clip's own beginning, and how long it is."""
    if clip.start is not None and clip.end is not None:
        length = clip.end - clip.start
    else:
        path = clip.video or clip.sound
        if path is None:
            raise UnreadableRecording("The clip has neither video nor sound.")
        length = probe(path, containers=CORPUS_CONTAINERS).duration
    if length < SHORTEST:
        raise UnreadableRecording("The clip is too short to show anything.")
    seconds = min(config.seconds, length)
    return (length - seconds) / 2, seconds


def _seen(
    clip: Clip, start: float, seconds: float, config: WindowConfig, cascade: Cascade, device: str
) -> list[tuple[Look, Face]]:
    """The frames in which a face was found."""
    assert clip.video is not None
    step = seconds / config.frames
    begin = (clip.start or 0.0) + start
    shown = stream(
        clip.video,
        rate=1 / step,
        lines=config.lines,
        sound=False,
        start=begin + step / 2,
        end=begin + seconds,
        containers=CORPUS_CONTAINERS,
    )
    pictures = [part for part in shown if isinstance(part, Picture) and part.point < config.frames]
    if not pictures:
        raise UnreadableRecording("The picture of the recording cannot be decoded.")
    # All frames are held, so that searches and looks in between go in batches.
    follower = Follower(cascade, config.choice, config.search_every, device, at_once=config.frames)
    looks = [look for picture in pictures for look in follower.take(_half(picture, clip))] + list(follower.rest())
    inside = [(look, _clamped(look.face, look)) for look in looks if isinstance(look.face, Face)]
    return [(look, face) for look, face in inside if face is not None]


def _half(picture: Picture, clip: Clip) -> Picture:
    if not clip.half:
        return picture
    middle = picture.pixels.shape[1] // 2
    pixels = picture.pixels[:, :middle] if clip.half == "left" else picture.pixels[:, middle:]
    return Picture(picture.point, np.ascontiguousarray(pixels))


def _clamped(face: Face, look: Look) -> Face | None:
    """The face with its box inside the picture; None where nothing of it is."""
    height, width = look.pixels.shape[:2]
    box = face.box.clip(0, np.array([width, height, width, height], np.float32))
    return Face(box, face.score, face.points) if np.all(box[2:] - box[:2] >= 1) else None


def _cut(look: Look, face: Face, config: WindowConfig) -> NDArray[np.uint8]:
    """(3, side, side)"""
    levelled = cut_level([look.pixels], [face], side=config.side, margin=config.margin)[0]
    return levelled.round().clamp(0, 255).to(torch.uint8).cpu().numpy()


def _heard(clip: Clip, start: float, seconds: float) -> NDArray[np.float32]:
    if clip.sound is None:
        raise NoSound("The clip has no sound.")
    # A sound file of its own begins where the clip begins; one that is the video's begins where the video does.
    begin = start + ((clip.start or 0.0) if clip.sound == clip.video else 0.0)
    return sound_between(clip.sound, begin, begin + seconds)


def sound_between(path: Path, start: float, end: float) -> NDArray[np.float32]:
    """(sample,) at 16 kHz, as long as asked for: what the file does not have is silence. Raises NoSound."""
    whole = np.zeros(round((end - start) * SAMPLE_RATE), np.float32)
    heard = False
    for part in stream(path, pictures=False, start=start, end=end, containers=CORPUS_CONTAINERS):
        assert isinstance(part, Sound)
        room = whole[part.start : part.start + len(part.samples)]
        room[:] = part.samples[: len(room)]
        heard = heard or len(room) > 0
    if not heard:
        raise NoSound("The clip has no sound that can be decoded.")
    return whole


class MadeWindows:
    """The made corpus as Windows: every frame has its face."""

    def __init__(self, made: Sequence[MadeClip]) -> None:
        self._made = {clip.clip.name: clip for clip in made}
        self.clips = [clip.clip for clip in made]
        self.digest = digest_of({clip: sha256_of(self.window(clip.name)) for clip in self.clips})

    def window(self, name: str) -> Window:
        clip = self._made[name]
        return Window(clip.faces, clip.sound, np.ones(len(clip.faces), bool))


def sha256_of(window: Window) -> str:
    """Over everything that a net could be shown of it."""
    digest = hashlib.sha256()
    for part in (window.faces, window.sound, window.has_face):
        digest.update(f"{part.dtype} {part.shape}\n".encode())
        digest.update(np.ascontiguousarray(part).tobytes())
    digest.update(window.text.encode())
    return digest.hexdigest()


def digest_of(contents: Mapping[Clip, str]) -> str:
    """The sha256 over clips, with what they are labelled and whom they show, and over their windows' sha256."""
    told = sorted(
        [clip.corpus, clip.name, clip.label, clip.speaker, clip.group, clip.performance, clip.sentence, sha256]
        for clip, sha256 in contents.items()
    )
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()
