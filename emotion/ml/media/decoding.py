"""One pass over a recording: pictures at even moments, chosen by their time stamps, and 16 kHz mono sound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from emotion.ml.errors import NoPicture, NoSound, UnreadableRecording
from emotion.ml.media.opening import (
    CONTAINERS,
    DECODER_OPTIONS,
    SAMPLE_RATE,
    opened,
    origin,
    picture_of,
    seconds,
    sound_of,
)
from emotion.ml.media.probing import probe, refuse_beyond

# A picture stands for a moment at most this far from it. Browsers leave gaps of 40 to 250 ms.
NEAREST_WITHIN = 0.2  # seconds
# Sound may jitter by this much before it counts as a hole (measured: none in intact recordings).
HOLE = 0.05  # seconds
# Decoding begins this much before a part and ends this much after it: sound needs a run-up, pictures come out of order.
AROUND = 0.5  # seconds


@dataclass(frozen=True)
class Picture:
    """The picture nearest to a point: `point` / rate seconds from the start.

    pixels  (height, width, 3) RGB, 0 to 255, upright, at most `lines` high
    """

    point: int
    pixels: NDArray[np.uint8]


@dataclass(frozen=True)
class Sound:
    """A stretch of sound that begins `start` samples after the start; holes in the recording have none.

    samples  (time,) mono at SAMPLE_RATE, -1 to 1
    """

    start: int
    samples: NDArray[np.float32]


def stream(
    path: Path,
    *,
    rate: float = 5.0,
    lines: int = 480,
    pictures: bool = True,
    sound: bool = True,
    limit: float | None = None,
    start: float = 0.0,
    end: float | None = None,
    containers: str = CONTAINERS,
) -> Iterator[Picture | Sound]:
    """Yield pictures at `rate` a second and the sound between them, holding no more than a moment of either.

    start, end  seconds: little more than this part is decoded, and points and samples count from `start`. What comes
                after `end` is for the caller to leave.

    A packet that cannot be decoded, or would be a huge picture, is left out: its moment simply has no
    picture or no sound. Runs on the calling thread alone. Raises UnreadableRecording, and RecordingTooLong
    beyond `limit` seconds.
    """
    with opened(path, containers) as container:
        zero = origin(container) + start
        seen = picture_of(container) if pictures else None
        heard = sound_of(container) if sound else None
        chooser = _Chooser(rate, lines, zero)
        ear = _Ear(zero)
        wanted = [track for track in (seen, heard) if track is not None]
        for track in wanted:
            track.codec_context.thread_count = 1  # workers share the cores
            track.codec_context.options = dict(DECODER_OPTIONS)  # pictures may grow on the way
        unfinished = {track.index for track in wanted}
        try:
            if start > AROUND:
                container.seek(round((zero - AROUND) * av.time_base))
            for packet in container.demux(*wanted) if wanted else ():
                at = seconds(packet, zero) or 0.0
                refuse_beyond(limit, at + start)
                if end is not None and at > end - start + AROUND:
                    unfinished.discard(packet.stream.index)
                    if not unfinished:
                        break
                    continue
                try:
                    frames = packet.decode()
                except av.FFmpegError:
                    continue
                for frame in frames:
                    if isinstance(frame, VideoFrame):
                        yield from chooser.take(frame)
                    elif isinstance(frame, AudioFrame):
                        yield from ear.take(frame)
        except av.FFmpegError as error:
            raise UnreadableRecording("The recording is damaged: it cannot be read to its end.") from error
        yield from chooser.rest()
        yield from ear.rest()


def sound(path: Path, limit: float | None = None) -> NDArray[np.float32]:
    """The whole sound, (time,) mono at SAMPLE_RATE, -1 to 1; holes are filled with silence.

    Takes 230 MB an hour and no more. Raises NoSound, UnreadableRecording and RecordingTooLong.
    """
    info = probe(path, limit)
    if not info.has_sound:
        raise NoSound("The recording has no sound.")
    whole = np.zeros(round((info.duration + 1) * SAMPLE_RATE), np.float32)
    end = 0
    for stretch in stream(path, pictures=False):
        assert isinstance(stretch, Sound)
        room = whole[stretch.start : stretch.start + len(stretch.samples)]
        room[:] = stretch.samples[: len(room)]
        end = max(end, stretch.start + len(room))
    if not end:
        raise UnreadableRecording("The sound of the recording cannot be decoded.")
    return whole[:end]


def stretches(path: Path, limit: float | None = None) -> tuple[float, Iterator[NDArray[np.float32]]]:
    """How long the recording is (seconds), and its sound bit by bit: like sound(), which holds all of it at once.

    Raises NoSound, UnreadableRecording and RecordingTooLong.
    """
    info = probe(path, limit)
    if not info.has_sound:
        raise NoSound("The recording has no sound.")
    return info.duration, _without_holes(path, round((info.duration + 1) * SAMPLE_RATE))


def _without_holes(path: Path, most: int) -> Iterator[NDArray[np.float32]]:
    """At most so many samples: time stamps may lie."""
    at = 0
    for stretch in stream(path, pictures=False):
        assert isinstance(stretch, Sound)
        begin = min(stretch.start, most)
        for start in range(at, begin, SAMPLE_RATE):
            yield np.zeros(min(SAMPLE_RATE, begin - start), np.float32)
        samples = stretch.samples[: most - begin]
        yield samples
        at = begin + len(samples)
    if not at:
        raise UnreadableRecording("The sound of the recording cannot be decoded.")


def pictures(path: Path, *, rate: float = 5.0, lines: int = 480) -> Iterator[Picture]:
    """The pictures alone. Raises NoPicture where there are none."""
    if not probe(path).has_picture:
        raise NoPicture("The recording has no picture.")
    for picture in stream(path, rate=rate, lines=lines, sound=False):
        assert isinstance(picture, Picture)
        yield picture


class _Chooser:
    """For each point the frame nearest to it. Only the chosen frames are turned into RGB."""

    def __init__(self, rate: float, lines: int, start: float) -> None:
        self.rate, self.lines, self.start = rate, lines, start
        self.point = 0
        self.before: VideoFrame | None = None
        self.before_at = 0.0
        self.reformatter = VideoReformatter()

    def take(self, frame: VideoFrame) -> Iterator[Picture]:
        at = seconds(frame, self.start)
        if at is None:
            return
        while self.point / self.rate <= at:
            moment = self.point / self.rate
            if self.before is not None and moment - self.before_at < at - moment:
                if moment - self.before_at <= NEAREST_WITHIN:
                    yield self._picture(self.before)
            elif at - moment <= NEAREST_WITHIN:
                yield self._picture(frame)
            self.point += 1
        self.before, self.before_at = frame, at

    def rest(self) -> Iterator[Picture]:
        """The points after the last frame that it still stands for."""
        while self.before is not None and self.point / self.rate - self.before_at <= NEAREST_WITHIN:
            yield self._picture(self.before)
            self.point += 1

    def _picture(self, frame: VideoFrame) -> Picture:
        # Fewer lines are made in the same step that makes RGB, where the face needs no more.
        shrink = min(1.0, self.lines / min(frame.width, frame.height))
        small = self.reformatter.reformat(
            frame,
            width=round(frame.width * shrink),
            height=round(frame.height * shrink),
            format="rgb24",
            interpolation="AREA" if shrink < 1 else "BILINEAR",
            threads=1,
        )
        pixels: NDArray[np.uint8] = np.asarray(small.to_ndarray(), np.uint8)
        turns = round(frame.rotation / 90) % 4  # a phone held upright records lying down and says so
        return Picture(self.point, np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels)


class _Ear:
    """Frames of sound, whatever their rate and channels, to stretches of 16 kHz mono set by time stamps."""

    def __init__(self, start: float) -> None:
        self.start = start
        self.resampler: AudioResampler | None = None
        self.due = 0.0  # when the next frame should begin, by the file's clock
        self.position: int | None = None  # where the next stretch goes, in samples

    def take(self, frame: AudioFrame) -> Iterator[Sound]:
        at = seconds(frame, self.start)
        at = self.due if at is None else at
        if self.resampler is None or at - self.due > HOLE:
            yield from self.rest()
            self.resampler = AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
            here = round(at * SAMPLE_RATE)
            self.position = here if self.position is None else max(self.position, here)
            self.due = at
        self.due += frame.samples / frame.sample_rate
        yield from self._placed(self.resampler.resample(frame))

    def rest(self) -> Iterator[Sound]:
        if self.resampler is not None:
            yield from self._placed(self.resampler.resample(None))
            self.resampler = None

    def _placed(self, frames: list[AudioFrame]) -> Iterator[Sound]:
        assert self.position is not None
        for frame in frames:
            samples = np.asarray(frame.to_ndarray(), np.float32).reshape(-1)
            early = max(0, -self.position)  # before the part that was asked for
            if early < len(samples):
                yield Sound(self.position + early, samples[early:])
            self.position += len(samples)
