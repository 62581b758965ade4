"""Where in a looping source a recording was, and how well a text was heard: what a fake camera leaves to find out."""

import re
from pathlib import Path

import av
import numpy as np

WIDTH = 32  # enough to tell the frames of a clip apart


def thumbnails(path: Path, rate: float, bars: bool) -> tuple[np.ndarray, np.ndarray]:
    """Times (n,) in seconds and small grey pictures (n, 576), each with mean 0 and length 1.

    `bars`: the 16:9 picture stands in a 4:3 frame, and what is above and below it does not count.
    """
    height = 24 if bars else 18
    times, pictures = [], []
    due = 0.0
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            if frame.time is None or frame.time < due:
                continue
            due = frame.time + 1 / rate - 1e-6
            small = frame.reformat(WIDTH, height, format="gray").to_ndarray()
            grey = small[(height - 18) // 2 : (height + 18) // 2, :WIDTH].astype(np.float32).ravel()
            grey -= grey.mean()
            pictures.append(grey / (np.linalg.norm(grey) + 1e-6))
            times.append(frame.time)
    return np.array(times), np.stack(pictures)


def phase(recording: Path, source: Path) -> tuple[float, float]:
    """The recording's second 0 in the source's time, and the source's length: source time = (t + phase) % length.

    The recording is 4:3 and shows the 16:9 source between bars.
    """
    source_times, source_pictures = thumbnails(source, rate=25, bars=False)
    length = float(source_times[-1] + np.median(np.diff(source_times)))
    times, pictures = thumbnails(recording, rate=5, bars=True)
    offsets = np.arange(0, length, 0.04)
    scores = []
    for offset in offsets:
        nearest = np.searchsorted(source_times, (times + offset) % length).clip(max=len(source_times) - 1)
        scores.append(float((pictures * source_pictures[nearest]).sum(axis=1).mean()))
    return float(offsets[int(np.argmax(scores))]), length


def word_error_rate(reference: str, heard: str) -> float:
    """Edits to turn the best-fitting stretch of what was heard into the reference, per word of the reference."""
    wanted, got = words(reference), words(heard)
    row = [0] * (len(got) + 1)  # a stretch may start anywhere at no cost
    for i, word in enumerate(wanted, start=1):
        before, row = row, [i]
        for j, other in enumerate(got, start=1):
            row.append(min(before[j - 1] + (word != other), before[j] + 1, row[j - 1] + 1))
    return min(row) / len(wanted)  # and end anywhere


def words(text: str) -> list[str]:
    return re.findall(r"[\w']+", text.lower())
