"""Reading a recording on one thread: each stage's share of the clip's length, and the search beside facenet-pytorch's.

Times are the process's own processor time, best of three runs, because machines that run this are busy: a
neighbour on the same core still makes them worse, never better. Ratios are taken in turns in the same run.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import torch

from emotion.ml import media
from emotion.ml.faces import Face, Follower, Look, cut_level
from emotion.ml.inference import Recogniser
from emotion.ml.nets.expression import SIDE
from tests.bench.clock import RUNS, timed
from tests.emotion.ml.facenet import load_search
from tests.emotion.ml.recordings import feat, weeping_then_laughing

SECONDS = 60.0
# The last one shows no face: whoever finds one there is wrong.
CLIPS = ("WolfgangLanger_Pexels.mp4", "single_face.mp4", "face_noface.mov", "noface_face.mov", "no_face.mp4")


def analysis() -> dict[str, object]:
    recogniser = Recogniser.load(threads=1)
    clip = the_clip()
    found = stages(recogniser, clip)
    return {
        "clip": {"seconds": SECONDS, "picture": "640x480, 30 a second, VP9", "sound": "Opus", "points_per_second": 5},
        "clock": f"process CPU time, one thread, best of {RUNS} runs",
        "share_of_the_clip": found,
        "limit": {"decode + faces + expression": 0.10, "kept": found["decode + faces + expression"] <= 0.10},
        "against_facenet_pytorch": against_facenet(recogniser, clip),
        "share_of_the_clip_by_pack": {"starter": found["read, all in one"], **other_packs(clip)},
        "gpu": on_a_gpu(clip),
    }


def other_packs(clip: Path) -> dict[str, float]:
    """A whole reading with each pack whose folder stands in BENCH_PACKS, with colons between."""
    folders = [Path(name) for name in os.environ.get("BENCH_PACKS", "").split(":") if name]
    loaded = {folder.name: Recogniser.load(folder, threads=1) for folder in folders}
    return {name: round(timed(lambda r=r: r.read(clip))[0] / SECONDS, 4) for name, r in loaded.items()}


def on_a_gpu(clip: Path) -> dict[str, float] | str:
    """Wall-clock times real time of a whole reading, and of expressions alone in large batches."""
    if not torch.cuda.is_available():
        return "none here"
    recogniser = Recogniser.load(device="cuda", threads=1)
    recogniser.read(clip)  # wakes the device
    whole, _ = timed(lambda: recogniser.read(clip), device="cuda")
    faces = torch.rand(1000, 3, SIDE, SIDE)
    batched, _ = timed(lambda: recogniser.expressions(faces), device="cuda")
    return {
        "read, times real time": round(SECONDS / whole, 1),
        "expressions, times real time at 5 a second": round(len(faces) / 5 / batched, 1),
    }


def the_clip() -> Path:
    """Made once and kept where ANAMNESIS_VAR says, or in the system's folder for such things."""
    folder = Path(os.environ.get("ANAMNESIS_VAR") or tempfile.gettempdir()) / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    clip = folder / "weeping-then-laughing-60s.webm"
    if not clip.exists():
        part = weeping_then_laughing(clip.with_suffix(".part.webm"), SECONDS)
        part.rename(clip)
    return clip


def stages(recogniser: Recogniser, clip: Path) -> dict[str, float]:
    config = recogniser.loaded.config
    decode, parts = timed(lambda: list(media.stream(clip, rate=config.rate, lines=config.lines)))
    pictures = [part for part in parts if isinstance(part, media.Picture)]
    stretches = [part for part in parts if isinstance(part, media.Sound)]
    faces, looks = timed(lambda: follow(recogniser, pictures))
    expression, _ = timed(lambda: express(recogniser, looks))
    sound, _ = timed(lambda: listen(recogniser, stretches))
    voice, _ = timed(lambda: hear(recogniser, stretches))
    whole, reading = timed(lambda: recogniser.read(clip))
    return {
        **{
            name: round(seconds / SECONDS, 4)
            for name, seconds in {
                "decode": decode,
                "faces": faces,
                "expression": expression,
                "sound": sound,
                "of sound: every window through the voice net": voice,
                "decode + faces + expression": decode + faces + expression,
                "sum": decode + faces + expression + sound,
                "read, all in one": whole,
            }.items()
        },
        "points": len(reading.points),
        "points_with_a_face": sum(point.face is not None for point in reading.points),
    }


def against_facenet(recogniser: Recogniser, clip: Path) -> dict[str, object]:
    """Milliseconds a picture, in turns: ours follows ten seconds, theirs searches five pictures of them.

    What one whole search of ours costs stands beside them: following needs it once a second only.
    """
    search = load_search()  # min_face_size 20, factor .709, the full picture
    pictures = list(media.pictures(clip))
    ours, searches, theirs = [], [], []
    for start in range(0, len(pictures), 50):
        part = pictures[start : start + 50]
        ours.append(timed(lambda part=part: follow(recogniser, part), runs=1)[0] / len(part))
        some = [torch.from_numpy(picture.pixels) for picture in part[::12][:4]]
        searches.append(timed(lambda some=some: recogniser.cascade.search(some), runs=1)[0] / len(some))
        few = part[::10]
        theirs.append(timed(lambda few=few: [search.detect(p.pixels) for p in few], runs=1)[0] / len(few))
    mine, search_alone, other = (sum(times) / len(times) for times in (ours, searches, theirs))
    return {
        "theirs": "MTCNN of facenet-pytorch 2.2.9: min face 20, factor .709, full size, picture by picture",
        "ours_ms_a_picture": round(mine * 1000, 2),
        "ours_ms_a_picture_searched_whole": round(search_alone * 1000, 2),
        "theirs_ms_a_picture": round(other * 1000, 2),
        "times_faster": round(other / mine, 1),
        "limit": {"times_faster": 10, "kept": other / mine >= 10},
        "pictures_with_a_face": {name: found_in(recogniser, search, name) for name in CLIPS},
    }


def found_in(recogniser: Recogniser, search, name: str) -> dict[str, int]:
    pictures = list(media.pictures(feat(name), lines=10_000))
    looks = follow(recogniser, list(media.pictures(feat(name))))
    return {
        "pictures": len(pictures),
        "ours": sum(isinstance(look.face, Face) for look in looks),
        "theirs": sum(search.detect(picture.pixels)[0] is not None for picture in pictures),
    }


def follow(recogniser: Recogniser, pictures: list[media.Picture]) -> list[Look]:
    config = recogniser.loaded.config
    follower = Follower(recogniser.cascade, config.choice, config.search_every)
    return [*(look for picture in pictures for look in follower.take(picture)), *follower.rest()]


def express(recogniser: Recogniser, looks: list[Look]) -> None:
    seen = [(look.pixels, look.face) for look in looks if isinstance(look.face, Face)]
    for start in range(0, len(seen), 20):
        pixels, faces = zip(*seen[start : start + 20], strict=True)
        recogniser.expressions(cut_level(pixels, faces, side=SIDE, margin=recogniser.loaded.config.margin))


def listen(recogniser: Recogniser, stretches: list[media.Sound]) -> None:
    listener = recogniser.listener()
    for stretch in stretches:
        listener.take(stretch)
    listener.moments(round(SECONDS * 5), 5.0)


def hear(recogniser: Recogniser, stretches: list[media.Sound]) -> None:
    """The voice net on every window of the clip, as if somebody spoke throughout."""
    sound, config = np.concatenate([stretch.samples for stretch in stretches]), recogniser.loaded.config.voice
    length, hop = int(config.seconds * media.SAMPLE_RATE), int(config.every * media.SAMPLE_RATE)
    windows = np.lib.stride_tricks.sliding_window_view(sound, length)[::hop]
    batches = [np.ascontiguousarray(windows[at : at + config.at_once]) for at in range(0, len(windows), config.at_once)]
    recogniser.voice.tell(np.concatenate([recogniser.voice.hear(batch) for batch in batches]))
