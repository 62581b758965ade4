"""IEMOCAP (Busso et al. 2008): five sessions of two actors each, about twelve hours of dialogue.

Layout as published, in `Session1` to `Session5`: `dialog/EmoEvaluation/*.txt` (labels and times),
`sentences/wav/<dialog>/<turn>.wav`, `dialog/avi/DivX/<dialog>.avi`, `dialog/transcriptions/<dialog>.txt`.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from emotion.ml.datasets.clips import Clip, Split, check_split, split_by, the_folder

SESSIONS = ("1", "2", "3", "4", "5")

TURN = re.compile(r"^\[(?P<start>[\d.]+) - (?P<end>[\d.]+)\]\t(?P<name>Ses\d\d\S+)\t(?P<label>\w+)\t", re.MULTILINE)
WORDS = re.compile(r"^(?P<name>Ses\d\d\S+) \[[\d.\-]+\]: (?P<text>.*)$", re.MULTILINE)


def read(folder: Path) -> list[Clip]:
    """Every turn, sorted by name, with the label that most raters gave. Raises CorpusError."""
    the_folder(folder, "IEMOCAP", "Session*/dialog/EmoEvaluation/*.txt")
    clips = []
    for labels in sorted(folder.glob("Session*/dialog/EmoEvaluation/*.txt")):
        session = labels.parts[-4]
        texts = _texts(folder / session / "dialog" / "transcriptions" / labels.name)
        turns = TURN.finditer(labels.read_text(errors="replace"))
        clips += [_clip(folder / session, labels.stem, turn, texts) for turn in turns]
    return sorted((clip for clip in clips if clip.sound or clip.video), key=lambda clip: clip.name)


def fold(clips: Iterable[Clip], number: int) -> Split:
    """Fold 1 to 5: that session is the test, the next one validation, so that no best epoch is chosen on the test."""
    test, validation = SESSIONS[number - 1], SESSIONS[number % len(SESSIONS)]
    return check_split(split_by(clips, f"IEMOCAP session {test}", "group", {validation}, {test}))


def _clip(session: Path, dialog: str, turn: re.Match[str], texts: dict[str, str]) -> Clip:
    name = turn["name"]
    sound = session / "sentences" / "wav" / dialog / f"{name}.wav"
    video = session / "dialog" / "avi" / "DivX" / f"{dialog}.avi"
    shown = video if video.exists() else None
    number = session.name.removeprefix("Session")
    # The turn's letter says who talks, not who wears the markers.
    talker = name.rsplit("_", 1)[-1][0]
    return Clip(
        corpus="IEMOCAP",
        name=name,
        label=turn["label"],
        speaker=f"{number}{talker}",
        group=number,
        performance=name,
        sound=sound if sound.exists() else shown,
        video=shown,
        text=texts.get(name, ""),
        start=float(turn["start"]),
        end=float(turn["end"]),
        # Who wears the markers (the letter of the dialogue's name) sits in the left half. Source: Kansizoglou's public
        # preprocessing of IEMOCAP.
        half="left" if dialog[5] == talker else "right",
    )


def _texts(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    return {line["name"]: line["text"].strip() for line in WORDS.finditer(path.read_text(errors="replace"))}
