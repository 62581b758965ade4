"""Small made recordings, in parts as a browser sends them, kept through the real verbs."""

from fractions import Fraction
from math import pi
from pathlib import Path

import av
import numpy as np

from clinic.services import record_consent
from interviews import services
from interviews.models import Answer, Recording

RATE = 48_000  # Hz, of the sound


def a_clip(
    path: Path, seconds: float = 2.0, picture: bool = True, sound: bool = True, fps: float = 10, codec: str = "libvpx"
) -> bytes:
    """A WebM as MediaRecorder makes it: without a duration, without seek points. The sound is a tone, no voice."""
    with av.open(str(path), "w", format="webm", container_options={"live": "1"}) as file:
        seen = _picture_track(file, codec) if picture else None
        heard = file.add_stream("libopus", rate=RATE, layout="mono") if sound else None
        if seen:
            for index in range(int(seconds * fps)):
                file.mux(seen.encode(_frame(index, fps)))
            file.mux(seen.encode(None))
        if heard:
            for start in range(0, int(seconds * RATE), 960):
                file.mux(heard.encode(_tone(start)))
            file.mux(heard.encode(None))
    return path.read_bytes()


def in_parts(data: bytes, count: int = 3) -> list[bytes]:
    size = -(-len(data) // count)
    return [data[start : start + size] for start in range(0, len(data), size)]


def keep(answer: Answer, parts: list[bytes], mime_type: str = "video/webm;codecs=vp8,opus") -> Recording:
    """Kept as the browser would have it kept, the parts out of order. The answer's jobs are open, nothing has run."""
    import hashlib

    record_consent(answer.interview.patient)
    recording, _ = services.start_recording(answer, mime_type)
    for seq, part in reversed(list(enumerate(parts))):
        services.receive_chunk(recording, seq, part, hashlib.sha256(part).hexdigest())
    services.keep_recording(recording, len(parts))
    answer.refresh_from_db()
    recording.refresh_from_db()
    return recording


def _picture_track(file: av.container.OutputContainer, codec: str) -> av.VideoStream:
    track = file.add_stream(codec, rate=30, options={"deadline": "realtime", "cpu-used": "8"})
    track.width, track.height, track.pix_fmt = 64, 48, "yuv420p"
    track.codec_context.time_base = Fraction(1, 1000)
    return track


def _frame(index: int, fps: float) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), (index * 9) % 255, np.uint8), format="rgb24")
    frame.pts, frame.time_base = round(index * 1000 / fps), Fraction(1, 1000)
    return frame


def _tone(start: int) -> av.AudioFrame:
    wave = (0.3 * np.sin(2 * pi * 220 * np.arange(start, start + 960) / RATE)).astype(np.float32)
    frame = av.AudioFrame.from_ndarray(wave[None, :], format="flt", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
    return frame


def a_filmed_clip(path: Path, film: Path, speech: Path, seconds: float, size: tuple[int, int] = (480, 270)) -> bytes:
    """A real face and a real voice, from media of the installed packages."""
    with av.open(str(path), "w", format="webm", container_options={"live": "1"}) as file:
        seen = _picture_track(file, "libvpx")
        seen.width, seen.height, seen.bit_rate = *size, 1_000_000
        heard = file.add_stream("libopus", rate=RATE, layout="mono")
        for media, track in ((film, seen), (speech, heard)):
            for frame in _frames(media, seconds, size):
                file.mux(track.encode(frame))
            file.mux(track.encode(None))
    return path.read_bytes()


def _frames(media: Path, seconds: float, size: tuple[int, int]):
    resampler, start = av.AudioResampler(format="flt", layout="mono", rate=RATE, frame_size=960), 0
    with av.open(str(media)) as source:
        for index, frame in enumerate(source.decode(source.streams[0])):
            if frame.time >= seconds:
                return
            if isinstance(frame, av.VideoFrame):
                if index % 5 == 0:
                    at, frame = frame.time, frame.reformat(*size, format="yuv420p")
                    frame.pts, frame.time_base = round(at * 1000), Fraction(1, 1000)
                    yield frame
                continue
            for piece in resampler.resample(frame):
                piece.pts, piece.time_base, start = start, Fraction(1, RATE), start + piece.samples
                yield piece
