"""Read a recording: how face and voice changed over it, and where nothing can be said."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from emotion.ml import packs
from emotion.ml.errors import EmotionError, NoPicture, NoSound, UnreadableRecording, WrongCheckpoint
from emotion.ml.faces import Cascade, Face, Follower, Look, cut_level
from emotion.ml.fusing import fuse
from emotion.ml.media import SAMPLE_RATE, MediaInfo, Picture, Sound, probe, stream
from emotion.ml.nets.expression import SIDE, ExpressionNet, over_labels
from emotion.ml.nets.whisper_encoder import load_whisper_encoder
from emotion.ml.packs import Pack
from emotion.ml.readings import Gap, Point, Reading
from emotion.ml.speech import Listener, Moment, Pitch, VoiceActivity
from emotion.ml.voice import Voice

log = logging.getLogger(__name__)

OnProgress = Callable[[str, float], None]  # "faces" or "voice", share done from 0 to 1
FACES_AT_ONCE = 10  # more at once leave the processor's cache and cost half as much again a face


class Recogniser:
    """A pack, loaded. Keep one a process."""

    def __init__(self, pack: Pack, device: str = "cpu", threads: int = 1) -> None:
        torch.set_num_threads(threads)
        # Rounded as GPUs round by default (TF32), the detector moves boxes by pixels and probabilities by up to .16.
        torch.backends.cudnn.allow_tf32 = False
        config = pack.config
        self.loaded, self.device = pack, device
        self.cascade = Cascade(config.cascade)
        for net, role in (
            (self.cascade.propose, "face-proposal"),
            (self.cascade.refine, "face-refinement"),
            (self.cascade.confirm, "face-confirmation"),
        ):
            _fill(net, pack.file(role))
        self.expression = _fill(ExpressionNet(), pack.file("expression"))
        self.activity = VoiceActivity(pack.file("voice-activity"), threads)
        self.pitch = Pitch(pack.file("pitch"), threads)
        encoder = load_whisper_encoder(pack.file("voice-encoder").parent)
        self.voice = Voice.load(pack.file("voice"), encoder).to(device)
        self.cascade.to(device).eval()
        self.expression.to(device).eval()
        self.pack, self.pack_sha256, self.versions = pack.name, pack.sha256, pack.versions

    @classmethod
    def load(cls, pack: Path | None = None, device: str = "cpu", threads: int = 1) -> Recogniser:
        """The pack in a folder, or the starter pack. Raises WrongCheckpoint when a file is missing or damaged.

        `threads` is for the whole process: leave it at 1 where several workers share the cores. So is exact arithmetic
        on a GPU, whose numbers are then the CPU's to 1e-3.
        """
        return cls(packs.starter() if pack is None else packs.from_folder(pack), device, threads)

    def read(self, path: Path, on_progress: OnProgress | None = None, limit: float | None = None) -> Reading:
        """Face and voice at every point, from one pass over the file.

        A channel that fails leaves the other intact: `failures` then has a sentence, and its points a gap.
        Raises UnreadableRecording, and RecordingTooLong beyond `limit` seconds.
        """
        info, config = probe(path, limit), self.loaded.config
        count = max(1, ceil(round(info.duration * config.rate, 3)))
        faces = _Faces(self, info, count)
        voice = _Voice(self.listener(), info, count, config.rate)
        progress = _Progress(on_progress)
        read = stream(path, rate=config.rate, lines=config.lines, pictures=info.has_picture, sound=info.has_sound)
        for part in read:
            if isinstance(part, Picture):
                faces.take(part)
                progress.tell("faces", faces.done)
            else:
                voice.take(part)
                progress.tell("voice", voice.done)
        faces.finish()
        progress.tell("faces", 1.0)
        voice.finish()
        progress.tell("voice", 1.0)
        points = [
            _point(at / config.rate, seen, heard)
            for at, (seen, heard) in enumerate(zip(faces.sights, voice.moments, strict=True))
        ]
        return Reading(
            points=tuple(fuse(points, config.fusion)),
            duration=info.duration,
            pack=self.pack,
            pack_sha256=self.pack_sha256,
            versions=self.versions,
            rate=config.rate,
            failures={name: why for name, why in (("face", faces.failure), ("voice", voice.failure)) if why},
        )

    def listener(self) -> Listener:
        """Hears one recording."""
        return Listener(self.activity, self.pitch, self.loaded.config.speech, self.voice, self.loaded.config.voice)

    @torch.inference_mode()
    def expressions(self, faces: Tensor) -> list[tuple[float, ...]]:
        """Probabilities over LABELS for levelled faces, (face, 3, 112, 112)."""
        batches = (over_labels(self.expression(batch)) for batch in faces.to(self.device).split(FACES_AT_ONCE))
        return [tuple(row) for batch in batches for row in batch.double().cpu().tolist()]


@dataclass(frozen=True)
class _Sight:
    """The face at one point, as in readings.Point."""

    face: tuple[float, ...] | None = None
    gap: Gap | None = None
    box: tuple[float, float, float, float] | None = None


class _Channel:
    """One of the two ways to read a recording. Whatever goes wrong in it stays in it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.failure: str | None = None

    def attempt(self, step: Callable[[], None]) -> None:
        if self.failure is not None:
            return
        try:
            step()
        except EmotionError as error:
            self.failure = str(error)
        except Exception as error:
            # Not swallowed: the log has it all, the reading says so, and the other channel goes on.
            log.exception("The %s could not be read", self.name)
            self.failure = f"The {self.name} could not be read: a fault in the program ({type(error).__name__})."


class _Faces(_Channel):
    def __init__(self, recogniser: Recogniser, info: MediaInfo, count: int) -> None:
        super().__init__("face")
        self.recogniser, self.config = recogniser, recogniser.loaded.config
        self.follower = Follower(recogniser.cascade, self.config.choice, self.config.search_every, recogniser.device)
        self.sights = [_Sight(gap=Gap.NO_PICTURE)] * count
        self.seen, self.began = 0, False
        if not info.has_picture:
            self.failure = str(NoPicture("The recording has no picture: only the voice was read."))

    @property
    def done(self) -> float:
        return min(1.0, self.seen / len(self.sights))

    def take(self, picture: Picture) -> None:
        self.began = True
        self.attempt(lambda: self._place(self.follower.take(picture)))

    def finish(self) -> None:
        self.attempt(lambda: self._place(self.follower.rest()))
        if self.failure is None and not self.began:
            self.failure = str(UnreadableRecording("The picture of the recording cannot be decoded."))
        if self.failure is not None and self.began:
            self.sights[self.seen :] = [_Sight(gap=Gap.NOT_READ)] * (len(self.sights) - self.seen)

    def _place(self, looks: Iterable[Look]) -> None:
        looks = [look for look in looks if look.point < len(self.sights)]
        with_face = [(look, look.face) for look in looks if isinstance(look.face, Face)]
        pictures, faces = [look.pixels for look, _ in with_face], [face for _, face in with_face]
        cut = cut_level(pictures, faces, side=SIDE, margin=self.config.margin)
        for look in looks:
            if isinstance(look.face, Gap):
                self.sights[look.point] = _Sight(gap=look.face)
        for (look, face), scores in zip(with_face, self.recogniser.expressions(cut), strict=True):
            self.sights[look.point] = _Sight(scores, box=_shares(face, look.pixels))
        if looks:
            self.seen = looks[-1].point + 1


class _Voice(_Channel):
    def __init__(self, listener: Listener, info: MediaInfo, count: int, rate: float) -> None:
        super().__init__("voice")
        self.listener, self.duration, self.rate = listener, info.duration, rate
        self.moments = [Moment(gap=Gap.NO_SOUND)] * count
        self.began = False
        if not info.has_sound:
            self.failure = str(NoSound("The recording has no sound: only the face was read."))

    @property
    def done(self) -> float:
        return min(1.0, self.listener.heard / max(1.0, self.duration * SAMPLE_RATE))

    def take(self, stretch: Sound) -> None:
        self.began = True
        self.attempt(lambda: self.listener.take(stretch))

    def finish(self) -> None:
        if self.failure is None and not self.began:
            self.failure = str(UnreadableRecording("The sound of the recording cannot be decoded."))
        self.attempt(self._tell)
        if self.failure is not None and self.began:
            self.moments = [Moment(gap=Gap.NOT_READ)] * len(self.moments)

    def _tell(self) -> None:
        self.moments = self.listener.moments(len(self.moments), self.rate)


@dataclass
class _Progress:
    """Tells who watches, a hundred times a stage at most."""

    on_progress: OnProgress | None
    told: dict[str, float] = field(default_factory=dict)

    def tell(self, stage: str, share: float) -> None:
        last = self.told.get(stage, 0.0)
        if self.on_progress is not None and (share >= last + 0.01 or share == 1.0 > last):
            self.told[stage] = share
            self.on_progress(stage, share)


def _point(at: float, seen: _Sight, heard: Moment) -> Point:
    return Point(
        at=round(at, 6),
        face=seen.face,
        face_gap=seen.gap,
        box=seen.box,
        speech=heard.speech,
        pitch=heard.pitch,
        arousal=heard.arousal,
        voice=heard.voice,
        voice_gap=heard.gap,
    )


def _shares(face: Face, pixels: Tensor) -> tuple[float, float, float, float]:
    """The box as shares of the picture. The net puts edges outside where a face is cut off; they stop at 0 and 1."""
    height, width = pixels.shape[:2]
    left, top, right, bottom = (float(edge) for edge in face.box)
    return (_share(left, width), _share(top, height), _share(right, width), _share(bottom, height))


def _share(edge: float, side: int) -> float:
    return min(1.0, max(0.0, edge / side))


def _fill(net: nn.Module, weights: Path) -> nn.Module:
    """The net with its weights. Raises WrongCheckpoint."""
    try:
        kept = load_file(weights) if weights.suffix == ".safetensors" else torch.load(weights, weights_only=True)
        net.load_state_dict(kept)
    except (SafetensorError, UnpicklingError, RuntimeError, ValueError, EOFError, OSError, KeyError) as error:
        raise WrongCheckpoint(f"{weights.name} is damaged or holds another net's weights.") from error
    return net
