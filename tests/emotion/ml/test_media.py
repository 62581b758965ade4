"""Recordings as browsers make them: no duration, no even rate, holes; and files that are none."""

import shutil
import weakref
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from emotion.ml import media
from emotion.ml.errors import NoPicture, NoSound, RecordingTooLong, UnreadableRecording
from tests.emotion.ml.recordings import BROWSER, feat, plain, tone, write


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    return write(tmp_path_factory.mktemp("clip") / "clip.webm", plain(3), tone(3))


def greys(times: list[float]):
    """Pictures whose grey tells when they were taken."""
    return ((at, np.full((120, 160, 3), round(at * 120), np.uint8)) for at in times)


def taken_at(picture: media.Picture) -> float:
    return float(picture.pixels.mean()) / 120


def index(path: Path) -> list[tuple[int, int, bytes]]:
    with av.open(str(path)) as container:
        return [
            (packet.stream.index, round(packet.pts * packet.time_base * 1000), bytes(packet))
            for packet in container.demux()
            if packet.size
        ]


def test_a_recording_that_gives_no_duration_is_measured(clip):
    with av.open(str(clip)) as container:
        assert container.duration is None
    info = media.probe(clip)
    assert info.duration == pytest.approx(3.0, abs=0.05)
    assert (info.has_picture, info.has_sound, info.width, info.height) == (True, True, 160, 120)
    assert (info.mime_type, info.picture_codec, info.sound_codec) == ("video/webm", "vp9", "opus")


def test_pictures_are_chosen_by_time_and_not_by_count(tmp_path):
    times = [0.0, 0.04, 0.21, 0.25, 0.39, 0.43, 0.62, 0.80, 0.95, 1.02, 1.25]
    clip = write(tmp_path / "uneven.webm", greys(times), options=BROWSER)
    chosen = [(picture.point, taken_at(picture)) for picture in media.pictures(clip)]
    expected = [0.0, 0.21, 0.39, 0.62, 0.80, 1.02, 1.25, 1.25]  # the last one still stands at 1.4
    assert [point for point, _ in chosen] == list(range(8))
    assert [at for _, at in chosen] == pytest.approx(expected, abs=0.02)


def test_a_hole_in_the_recording_is_no_picture(tmp_path):
    clip = write(tmp_path / "hole.webm", greys([0.0, 0.2, 0.45, 1.55, 1.8, 1.95]))
    assert [picture.point for picture in media.pictures(clip)] == [0, 1, 2, 3, 7, 8, 9, 10]
    assert media.probe(clip).longest_gap == pytest.approx(1.1, abs=0.01)


def test_pictures_are_no_larger_than_asked(tmp_path):
    clip = write(tmp_path / "large.webm", plain(0.5, size=(720, 1280)))
    assert next(media.pictures(clip)).pixels.shape == (480, 853, 3)


def test_a_phone_held_upright_gives_upright_pictures(tmp_path):
    clip = tmp_path / "phone.mp4"
    write(clip, plain(0.5), codecs=("libx264", "aac"))
    lying, turned = next(media.pictures(clip)).pixels, clip.read_bytes()
    # A quarter turn clockwise, in the matrix of the track's header.
    start = turned.index(b"tkhd") + 44
    one = (1 << 16).to_bytes(4, "big")
    matrix = bytes(4) + one + bytes(4) + (-(1 << 16)).to_bytes(4, "big", signed=True) + bytes(4)
    clip.write_bytes(turned[:start] + matrix + turned[start + len(matrix) :])
    upright = next(media.pictures(clip)).pixels
    assert upright.shape == (160, 120, 3)
    assert np.abs(upright.astype(int) - np.rot90(lying, -1)).max() <= 2


def test_sound_is_16_khz_mono_of_the_recordings_length(clip):
    sound = media.sound(clip)
    assert sound.dtype == np.float32
    assert len(sound) / media.SAMPLE_RATE == pytest.approx(3.0, abs=0.05)
    assert sound.std() == pytest.approx(0.3 / np.sqrt(2), rel=0.1)


def test_a_hole_in_the_sound_is_silence_and_moves_nothing(tmp_path):
    whole = write(tmp_path / "whole.webm", plain(3), tone(3))
    holed = tmp_path / "holed.webm"
    with av.open(str(whole)) as read, av.open(str(holed), "w") as written:
        copies = {stream.index: written.add_stream_from_template(stream) for stream in read.streams}
        for packet in read.demux():
            lost = packet.stream.type == "audio" and packet.pts is not None and 1000 <= packet.pts < 2000
            if packet.dts is not None and not lost:
                packet.stream = copies[packet.stream.index]
                written.mux(packet)
    sound = media.sound(holed)
    assert len(sound) / media.SAMPLE_RATE == pytest.approx(3.0, abs=0.05)
    assert np.abs(sound[int(1.1 * 16_000) : int(1.9 * 16_000)]).max() < 1e-3
    assert sound[int(2.1 * 16_000) : int(2.9 * 16_000)].std() > 0.1
    seconds, stretches = media.stretches(holed)
    assert seconds == pytest.approx(3.0, abs=0.05)
    assert np.array_equal(np.concatenate(list(stretches)), sound)


def test_picture_and_sound_come_in_one_pass_in_order(clip):
    parts = list(media.stream(clip))
    points = [part.point for part in parts if isinstance(part, media.Picture)]
    starts = [part.start for part in parts if isinstance(part, media.Sound)]
    assert points == sorted(points)
    assert starts == sorted(starts)
    kinds = [type(part) for part in parts]
    assert media.Sound in kinds[: kinds.index(media.Picture) + 20]


def test_a_long_recording_is_never_held_whole(clip):
    given, most = [], 0
    for part in media.stream(clip, rate=25):
        if isinstance(part, media.Picture):
            given.append(weakref.ref(part.pixels))
        most = max(most, sum(pixels() is not None for pixels in given))
    assert len(given) >= 70
    assert most <= 2


@pytest.mark.parametrize(
    ("name", "codecs", "family"),
    [
        ("clip.webm", ("libvpx-vp9", "libopus"), "webm"),
        ("clip.mkv", ("libx264", "libopus"), "matroska"),
        ("clip.mp4", ("libx264", "aac"), "mp4"),
    ],
)
def test_remuxing_keeps_every_packet_and_adds_what_was_missing(tmp_path, name, codecs, family):
    source = write(tmp_path / name, plain(4), tone(4), codecs=codecs)
    target = tmp_path / f"kept-{name}"
    info = media.remux(source, target)
    assert info.container == media.probe(source).container == family
    assert sorted(packet[2] for packet in index(target)) == sorted(packet[2] for packet in index(source))
    with av.open(str(target)) as container:
        assert container.duration / av.time_base == pytest.approx(4.0, abs=0.1)
        container.seek(2_500_000)
        assert 1.5 < next(container.decode(video=0)).time <= 2.5
    assert not list(tmp_path.glob("*.part"))


def test_remuxing_keeps_uneven_times(tmp_path):
    source = write(tmp_path / "uneven.webm", greys([0.0, 0.04, 0.21, 0.25, 1.3, 1.34]))
    media.remux(source, tmp_path / "kept.webm")
    assert [at for _, at, _ in index(tmp_path / "kept.webm")] == [at for _, at, _ in index(source)]


def test_the_index_stands_before_the_pictures(tmp_path, clip):
    media.remux(clip, tmp_path / "kept.webm")
    kept = (tmp_path / "kept.webm").read_bytes()
    cues, cluster = kept.index(b"\x1c\x53\xbb\x6b"), kept.index(b"\x1f\x43\xb6\x75")
    assert cues < cluster
    mp4 = write(tmp_path / "clip.mp4", plain(1), codecs=("libx264", "aac"))
    media.remux(mp4, tmp_path / "kept.mp4")
    kept = (tmp_path / "kept.mp4").read_bytes()
    assert kept.index(b"moov") < kept.index(b"mdat")


def test_remuxing_twice_gives_the_same(tmp_path, clip):
    first = media.remux(clip, tmp_path / "kept.webm")
    assert media.remux(clip, tmp_path / "kept.webm") == first


def playlist(folder: Path) -> bytes:
    secret = folder / "secret.webm"
    write(secret, plain(0.2))
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:{secret}\n#EXT-X-ENDLIST\n".encode()


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (lambda folder: b"", "empty"),
        (lambda folder: b"Dear doctor, I am writing to you." * 100, "not a video or sound recording"),
        (lambda folder: feat("single_face.jpg").read_bytes(), "not a video or sound recording"),
        (playlist, "not a video or sound recording"),
        (lambda folder: write(folder / "c.webm", plain(2), tone(2)).read_bytes()[4_000:], "not a video or sound"),
        (lambda folder: write(folder / "c.webm", plain(1)).read_bytes()[:400], "empty"),
    ],
    ids=["nothing", "a letter", "a photograph", "a playlist", "without its beginning", "only its beginning"],
)
def test_what_is_no_recording_is_refused_with_a_sentence(tmp_path, made, says):
    path = tmp_path / "upload.webm"
    path.write_bytes(made(tmp_path))
    for look in (media.probe, lambda path: media.remux(path, tmp_path / "kept.webm"), media.sound):
        with pytest.raises(UnreadableRecording, match=says):
            look(path)
    assert not (tmp_path / "kept.webm").exists()


def test_a_recording_that_is_gone_is_missed_with_a_sentence(tmp_path):
    with pytest.raises(UnreadableRecording, match="not where it was kept"):
        media.probe(tmp_path / "nowhere.webm")


def test_sound_alone_has_no_picture(tmp_path):
    clip = write(tmp_path / "voice.webm", None, tone(1))
    info = media.probe(clip)
    assert (info.has_picture, info.has_sound, info.mime_type) == (False, True, "audio/webm")
    with pytest.raises(NoPicture, match="no picture"):
        next(media.pictures(clip))
    assert len(media.sound(clip)) > 15_000


def test_a_picture_alone_has_no_sound(tmp_path):
    clip = write(tmp_path / "mute.webm", plain(1))
    assert not media.probe(clip).has_sound
    with pytest.raises(NoSound, match="no sound"):
        media.sound(clip)
    assert len(list(media.pictures(clip))) >= 5


def test_four_hours_are_refused_without_decoding_one_picture(tmp_path):
    clip = tmp_path / "endless.webm"
    with av.open(str(clip), "w", options=BROWSER) as container:
        stream = container.add_stream("libvpx-vp9", rate=1)
        stream.width, stream.height = 160, 120
        for second in range(4 * 3600):
            packet = av.Packet(b"this is no picture")  # decoding it would fail
            packet.stream, packet.pts, packet.dts = stream, second * 1000, second * 1000
            packet.time_base, packet.is_keyframe = Fraction(1, 1000), second % 60 == 0
            container.mux(packet)
    assert media.probe(clip).duration == pytest.approx(4 * 3600, abs=2)
    for look in (media.probe, lambda path, limit: media.remux(path, tmp_path / "kept.webm", limit), media.sound):
        with pytest.raises(RecordingTooLong, match="longer than 60 minutes"):
            look(clip, limit=3600)
    assert not (tmp_path / "kept.webm").exists()


def test_a_recording_whose_time_runs_back_is_not_remuxed_over_a_good_one(tmp_path, clip):
    once = clip.read_bytes()
    cluster = once.index(b"\x1f\x43\xb6\x75")
    twice = tmp_path / "twice.webm"
    twice.write_bytes(once + once[cluster:])
    shutil.copy(clip, tmp_path / "kept.webm")
    assert media.probe(twice).runs_back
    with pytest.raises(UnreadableRecording, match="runs backwards"):
        media.remux(twice, tmp_path / "kept.webm")
    assert (tmp_path / "kept.webm").read_bytes() == once


def test_a_recording_cut_short_is_read_as_far_as_it_goes(tmp_path, clip):
    short = tmp_path / "short.webm"
    short.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    info = media.remux(short, tmp_path / "kept.webm")
    assert 0.5 < info.duration < 2.5
    assert len(list(media.pictures(tmp_path / "kept.webm"))) >= 3


HUGE = (4100, 4100)  # width, height


def huge(path: Path, size: tuple[int, int] = HUGE) -> Path:
    """One picture of a few kilobytes, all of one colour."""
    with av.open(str(path), "w", options=BROWSER) as container:
        stream = container.add_stream("libvpx-vp9", rate=5, options={"deadline": "realtime", "cpu-used": "8"})
        (stream.width, stream.height), stream.pix_fmt = size, "yuv420p"
        frame = av.VideoFrame(*size, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.pts, frame.time_base = 0, Fraction(1, 5)
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def declared_small(path: Path) -> Path:
    """The header now says 160 x 120; what the picture itself says stays."""
    data = path.read_bytes()
    for element, true, told in ((b"\xb0", HUGE[0], 160), (b"\xba", HUGE[1], 120)):
        data = data.replace(element + b"\x82" + true.to_bytes(2, "big"), element + b"\x82" + told.to_bytes(2, "big"), 1)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("made", [huge, lambda path: declared_small(huge(path))], ids=["says so", "says it is small"])
def test_a_huge_picture_is_refused_with_a_sentence(tmp_path, made):
    clip = made(tmp_path / "huge.webm")
    assert clip.stat().st_size < 20_000
    for look in (
        media.probe,
        lambda path: media.remux(path, tmp_path / "kept.webm"),
        lambda path: list(media.stream(path)),
    ):
        with pytest.raises(UnreadableRecording, match="too large"):
            look(clip)
    assert not (tmp_path / "kept.webm").exists()


def test_the_largest_picture_is_taken(tmp_path):
    clip = huge(tmp_path / "large.webm", (4096, 4096))
    assert media.probe(clip).width == 4096
    assert next(media.pictures(clip)).pixels.shape == (480, 480, 3)


def test_a_picture_that_grows_huge_on_the_way_is_left_out(tmp_path):
    small, grown = write(tmp_path / "small.webm", plain(1)), tmp_path / "grown.webm"
    with av.open(str(huge(tmp_path / "huge.webm"))) as read:
        (bomb,) = (bytes(packet) for packet in read.demux() if packet.size)
    with av.open(str(small)) as read, av.open(str(grown), "w", options=BROWSER) as written:
        copy = written.add_stream_from_template(read.streams.video[0])
        for packet in read.demux():
            if packet.dts is not None:
                packet.stream = copy
                written.mux(packet)
        packet = av.Packet(bomb)
        packet.stream, packet.pts, packet.dts = copy, 1200, 1200
        packet.time_base, packet.is_keyframe = Fraction(1, 1000), True
        written.mux(packet)
    shapes = {picture.pixels.shape for picture in media.pictures(grown)}
    assert shapes == {(120, 160, 3)}


@pytest.mark.parametrize(
    ("name", "codecs"),
    [("part.webm", ("libvpx-vp9", "libopus")), ("part.mp4", ("libx264", "aac")), ("part.mkv", ("libx264", "aac"))],
)
def test_a_part_of_a_recording_is_what_lies_there_in_the_whole(tmp_path, name, codecs):
    noise = np.random.default_rng(0).normal(0, 0.5, 2 * 48_000)
    noise = np.convolve(noise, np.ones(40) / 40, "same")
    path = write(tmp_path / name, greys([number / 25 for number in range(50)]), noise, codecs=codecs)
    start, end = 0.8, 1.4
    part = list(media.stream(path, start=start, end=end))
    pictures = [taken_at(picture) for picture in part if isinstance(picture, media.Picture)][:3]
    whole = [taken_at(picture) for picture in media.pictures(path)]
    assert pictures == pytest.approx(whole[4:7], abs=0.02)  # five a second: .8 s is point 4
    heard = np.zeros(round((end - start) * 16_000), np.float32)
    for stretch in part:
        if isinstance(stretch, media.Sound):
            room = heard[stretch.start : stretch.start + len(stretch.samples)]
            room[:] = stretch.samples[: len(room)]
    # Matroska's times are whole milliseconds: 16 samples.
    expected, first = media.sound(path), round(start * 16_000)
    nearby = [expected[first + late : first + late + len(heard)] for late in range(-16, 17)]
    assert max(np.corrcoef(heard, there)[0, 1] for there in nearby) > 0.99
