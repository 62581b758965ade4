"""The same packets in a file that has a duration and can be searched."""

from __future__ import annotations

import os
from pathlib import Path

import av
from av.container import InputContainer, OutputContainer

from emotion.ml.errors import UnreadableRecording
from emotion.ml.media.opening import opened, picture_of, sound_of
from emotion.ml.media.probing import MediaInfo, probe

# The index goes to the front of the file, so that a page can jump before all of it has arrived.
FORMATS = {
    "webm": ("webm", {"cues_to_front": "1", "avoid_negative_ts": "disabled"}),
    "matroska": ("matroska", {"cues_to_front": "1", "avoid_negative_ts": "disabled"}),
    "mp4": ("mp4", {"movflags": "+faststart"}),
}
REORDERED = 32  # more pictures than any codec stores out of order


def remux(source: Path, target: Path, limit: float | None = None) -> MediaInfo:
    """Copy the packets of `source` into `target`: no picture or sound is touched, time starts at 0.

    The container stays of its family, WebM, Matroska or MP4. `target` appears whole or not at all, and
    may be made again. Raises UnreadableRecording and RecordingTooLong.
    """
    info = probe(source, limit)
    if info.container not in FORMATS:
        raise UnreadableRecording("Only WebM, Matroska and MP4 recordings can be kept.")
    if info.runs_back:
        raise UnreadableRecording("The recording is damaged: its time runs backwards.")
    kind, options = FORMATS[info.container]
    part = target.with_name(target.name + ".part")
    try:
        with opened(source) as read, av.open(f"file:{part}", "w", format=kind, container_options=options) as written:
            _copy(read, written, info)
        os.replace(part, target)
    except av.FFmpegError as error:
        raise UnreadableRecording("The recording is damaged: its packets do not fit together.") from error
    finally:
        part.unlink(missing_ok=True)
    return probe(target)


def _copy(read: InputContainer, written: OutputContainer, info: MediaInfo) -> None:
    kept = [
        stream
        for stream, holds in ((picture_of(read), info.has_picture), (sound_of(read), info.has_sound))
        if stream is not None and holds
    ]
    copies = {stream.index: written.add_stream_from_template(stream) for stream in kept}
    start = read.start_time or 0  # microseconds
    last: dict[int, int] = {}
    for packet in read.demux(*kept):
        if packet.pts is None:
            continue  # the empty packet that ends a stream
        index, shift = packet.stream.index, round(start / av.time_base / packet.time_base)
        # Matroska keeps no decoding times; of pictures out of order the first few get none on reading.
        stored = packet.dts - shift if packet.dts is not None else last.get(index, packet.pts - shift - REORDERED) + 1
        packet.pts, packet.dts = packet.pts - shift, stored
        packet.stream = copies[index]
        last[index] = stored
        written.mux(packet)
