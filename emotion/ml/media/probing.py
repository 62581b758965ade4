"""What a recording holds and how long it truly is, found without decoding any of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av
from av.container import InputContainer
from av.packet import Packet

from emotion.ml.errors import RecordingTooLong, UnreadableRecording
from emotion.ml.media.opening import CONTAINERS, opened, origin, picture_of, seconds, sound_of

WEBM_CODECS = {"vp8", "vp9", "av1", "opus", "vorbis"}


@dataclass(frozen=True)
class MediaInfo:
    """A recording from the outside.

    duration     seconds, from the first to the end of the last packet
    longest_gap  seconds between two pictures: above .5 something was lost on the way
    runs_back    time went backwards: a part is there twice or in the wrong place
    """

    duration: float
    has_picture: bool
    has_sound: bool
    width: int
    height: int
    mime_type: str
    container: str  # webm, matroska, mp4, ogg, wav, flac or mp3
    picture_codec: str
    sound_codec: str
    longest_gap: float
    runs_back: bool


def probe(path: Path, limit: float | None = None, containers: str = CONTAINERS) -> MediaInfo:
    """Look at every packet, decode none: a file that lies about its length, or gives none, is measured.

    Raises UnreadableRecording, and RecordingTooLong as soon as a packet lies beyond `limit` seconds.
    """
    with opened(path, containers) as container:
        picture, sound = picture_of(container), sound_of(container)
        tracks = {stream.index: _Track() for stream in (picture, sound) if stream is not None}
        start = origin(container)
        try:
            for packet in container.demux(*(container.streams[index] for index in tracks)):
                tracks[packet.stream.index].add(packet, start)
                refuse_beyond(limit, tracks[packet.stream.index].end)
        except av.FFmpegError as error:
            raise UnreadableRecording("The recording is damaged: it cannot be read to its end.") from error
        seen = tracks[picture.index] if picture is not None else _Track()
        heard = tracks[sound.index] if sound is not None else _Track()
        if not seen.packets and not heard.packets:
            raise UnreadableRecording("The recording is empty: it has a beginning and nothing after it.")
        codecs = [track.codec_context.name for track in (picture, sound) if track and tracks[track.index].packets]
        family = family_of(path, container, codecs)
        return MediaInfo(
            duration=max(seen.end, heard.end),
            has_picture=bool(seen.packets),
            has_sound=bool(heard.packets),
            width=picture.codec_context.width if picture else 0,
            height=picture.codec_context.height if picture else 0,
            mime_type=_mime_type(family, bool(seen.packets)),
            container=family,
            picture_codec=picture.codec_context.name if picture else "",
            sound_codec=sound.codec_context.name if sound else "",
            longest_gap=seen.longest_gap,
            runs_back=seen.runs_back or heard.runs_back,
        )


def refuse_beyond(limit: float | None, seconds: float) -> None:
    if limit is not None and seconds > limit:
        raise RecordingTooLong(f"The recording is longer than {limit / 60:.0f} minutes.")


def family_of(path: Path, container: InputContainer, codecs: list[str]) -> str:
    """The container's short name. WebM is Matroska with few codecs, and says so in its first bytes."""
    name = container.format.name
    if name == "matroska,webm":
        with open(path, "rb") as file:
            says_webm = b"webm" in file.read(64)
        return "webm" if says_webm and WEBM_CODECS.issuperset(codecs) else "matroska"
    return "mp4" if name.startswith("mov,") else name


@dataclass
class _Track:
    packets: int = 0
    end: float = 0.0
    longest_gap: float = 0.0
    runs_back: bool = False
    _stored_at: float | None = None

    def add(self, packet: Packet, start: float) -> None:
        at = seconds(packet, start)
        if at is None or not packet.size:
            return
        self.packets += 1
        self.end = max(self.end, at + float((packet.duration or 0) * packet.time_base))
        # Pictures may be stored in another order than they are shown; stored times still go forward.
        if packet.dts is None:
            return
        stored = float(packet.dts * packet.time_base)
        if self._stored_at is not None:
            self.runs_back = self.runs_back or stored < self._stored_at
            self.longest_gap = max(self.longest_gap, stored - self._stored_at)
        self._stored_at = stored


def _mime_type(family: str, has_picture: bool) -> str:
    subtype = {"matroska": "x-matroska", "mp3": "mpeg"}.get(family, family)
    return f"{'video' if has_picture else 'audio'}/{subtype}"
