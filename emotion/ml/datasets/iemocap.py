"""IEMOCAP (Busso et al. 2008): five sessions of two actors each, about twelve hours of dialogue.

Layout as published, in `Session1` to `Session5`: `dialog/EmoEvaluation/*.txt` (labels and times),
`sentences/wav/<dialog>/<turn>.wav`, `dialog/avi/DivX/<dialog>.avi`, `dialog/transcriptions/<dialog>.txt`.
"""

import re
from dataclasses import replace
from pathlib import Path

from emotion.ml.datasets.clips import Clip, Split, check_split, split_by, the_folder

LABELS = {
    "ang": "angry",
    "hap": "happy",
    "exc": "excited",
    "sad": "sad",
    "neu": "neutral",
    "fru": "frustrated",
    "fea": "fearful",
    "sur": "surprised",
    "dis": "disgust",
}
# The field's four-class task: excited counts as happy; 5,531 turns.
FOUR = {"angry": "angry", "happy": "happy", "excited": "happy", "sad": "sad", "neutral": "neutral"}
SESSIONS = ("1", "2", "3", "4", "5")

TURN = re.compile(r"^\[(?P<start>[\d.]+) - (?P<end>[\d.]+)\]\t(?P<name>Ses\d\d\S+)\t(?P<label>\w+)\t", re.MULTILINE)
WORDS = re.compile(r"^(?P<name>Ses\d\d\S+) \[[\d.\-]+\]: (?P<text>.*)$", re.MULTILINE)


def read(folder: Path) -> list[Clip]:
    """Every turn with a known label, sorted by name; turns without agreement (`xxx`, `oth`) are left out."""
    the_folder(folder, "IEMOCAP", "Session*/dialog/EmoEvaluation/*.txt")
    clips = []
    for labels in sorted(folder.glob("Session*/dialog/EmoEvaluation/*.txt")):
        session = labels.parts[-4]
        texts = _texts(folder / session / "dialog" / "transcriptions" / labels.name)
        for turn in TURN.finditer(labels.read_text(errors="replace")):
            if turn["label"] in LABELS:
                clips.append(_clip(folder / session, labels.stem, turn, texts))
    return sorted(clips, key=lambda clip: clip.name)


def four_classes(clips: list[Clip]) -> list[Clip]:
    """The four-class task: excited joins happy, the rest is left out."""
    return [replace(clip, label=FOUR[clip.label]) for clip in clips if clip.label in FOUR]


def fold(clips: list[Clip], number: int) -> Split:
    """Fold 1 to 5: that session is the test, the next one validation, so that no best epoch is chosen on the test."""
    test, validation = SESSIONS[number - 1], SESSIONS[number % len(SESSIONS)]
    return check_split(split_by(clips, f"IEMOCAP session {test}", "group", {validation}, {test}))


def _clip(session: Path, dialog: str, turn: re.Match[str], texts: dict[str, str]) -> Clip:
    name = turn["name"]
    sound = session / "sentences" / "wav" / dialog / f"{name}.wav"
    video = session / "dialog" / "avi" / "DivX" / f"{dialog}.avi"
    number = session.name.removeprefix("Session")
    return Clip(
        corpus="IEMOCAP",
        name=name,
        label=LABELS[turn["label"]],
        # The turn's letter says who talks, not who wears the markers.
        speaker=f"{number}{name.rsplit('_', 1)[-1][0]}",
        group=number,
        performance=name,
        sound=sound if sound.exists() else None,
        video=video if video.exists() else None,
        text=texts.get(name, ""),
        start=float(turn["start"]),
        end=float(turn["end"]),
    )


def _texts(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    return {line["name"]: line["text"].strip() for line in WORDS.finditer(path.read_text(errors="replace"))}
