"""Open a file as a recording, and as nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.frame import Frame
from av.packet import Packet
from av.stream import Disposition
from av.video.stream import VideoStream

from emotion.ml.errors import UnreadableRecording

SAMPLE_RATE = 16_000  # Hz

# An upload is a stranger's file. Playlists name other files and hosts, and a stream without its
# first bytes passes for raw H.264 and loses its sound without a word: only real containers get in.
CONTAINERS = "matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,ogg,wav,flac,mp3"
# Published corpora also come as these; nobody uploads them.
CORPUS_CONTAINERS = f"{CONTAINERS},avi,flv"
# A few kilobytes may declare pictures that take gigabytes: decoders refuse such before they make room.
MOST_PIXELS = 4096 * 4096
DECODER_OPTIONS = {"max_pixels": str(MOST_PIXELS)}


@contextmanager
def opened(path: Path, containers: str = CONTAINERS) -> Iterator[InputContainer]:
    """The file, open for reading. Raises UnreadableRecording for anything that is not a recording."""
    options = {"format_whitelist": containers, "protocol_whitelist": "file"}
    path = Path(path)
    if not path.is_file():
        raise UnreadableRecording("The recording is not where it was kept.")
    if path.stat().st_size == 0:
        raise UnreadableRecording("The recording is empty.")
    try:
        # Opening decodes the first picture where the header alone does not tell enough.
        container = av.open(f"file:{path}", options=DECODER_OPTIONS, container_options=options)
    except (av.FFmpegError, ValueError) as error:
        raise UnreadableRecording("This file is not a video or sound recording, or it is damaged.") from error
    with container:
        picture = picture_of(container)
        if picture is None and sound_of(container) is None:
            raise UnreadableRecording("The recording holds neither picture nor sound.")
        if picture is not None:
            _refuse_huge(picture.codec_context.width, picture.codec_context.height)
        yield container


def picture_of(container: InputContainer) -> VideoStream | None:
    """The moving picture: the cover of a sound file is none."""
    moving = (stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic)
    return next(moving, None)


def sound_of(container: InputContainer) -> AudioStream | None:
    return container.streams.audio[0] if container.streams.audio else None


def origin(container: InputContainer) -> float:
    """Seconds on the file's clock that a player shows as 0."""
    return (container.start_time or 0) / av.time_base


def seconds(part: Packet | Frame, start: float) -> float | None:
    """When a packet or frame is shown, counted from `start`."""
    if part.pts is None or part.time_base is None:
        return None
    return float(part.pts * part.time_base) - start


def _refuse_huge(width: int, height: int) -> None:
    # A decoder that refused the first picture leaves no size at all.
    if not 0 < width * height <= MOST_PIXELS:
        raise UnreadableRecording("The picture of the recording is too large, or does not say how large it is.")
