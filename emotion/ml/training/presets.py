"""Each net's published recipe as a config. Where nothing was published the text says so, and the choice is ours.

Nothing here loads torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emotion.ml.training.config import CorpusConfig, TrainingConfig
from emotion.ml.training.kinds import NetName

# Chumachenko et al., ICPR 2022, and github.com/katerynaCh/multimodal-emotion-recognition.
CHUMACHENKO: dict[str, Any] = {
    "optimiser": "sgd",
    "learning_rate": 0.04,
    "momentum": 0.9,
    "dampening": 0.9,
    "weight_decay": 1e-3,
    "batch_size": 8,
    "epochs": 100,
    "schedule": {"kind": "steps", "at": [40, 55, 65, 70], "factor": 0.1},
    "gradient_clip": None,
    "patience": None,
    "augmentation": "flip and turn",
}
# Zhao, Liu & Zhou, AAAI 2021, and github.com/zengqunzhao/EfficientFace. Differs: no random resized crop, because faces
# are cropped when a corpus is prepared.
EFFICIENTFACE: dict[str, Any] = {
    "optimiser": "sgd",
    "learning_rate": 0.1,
    "momentum": 0.9,
    "weight_decay": 1e-4,
    "batch_size": 128,
    "epochs": 100,
    "schedule": {"kind": "steps", "at": [30, 60, 90], "factor": 0.1},
    "gradient_clip": None,
    "patience": None,
    "augmentation": "flip",
    "loss": "soft_label",
    "soft_labels": {"over": "faces and classes"},
}
# The card of the published RAVDESS checkpoint (XLSR-large, batch 4 of two steps, 1e-4 falling in a line, 3 epochs).
# The first phase, the head alone, is ours (Kumar et al., ICLR 2022: a random head would bend the encoder).
WAV2VEC2: dict[str, Any] = {
    "optimiser": "adamw",
    "batch_size": 4,
    "accumulate": 2,
    "weight_decay": 0.0,
    "schedule": {"kind": "linear"},
    "precision": "bfloat16",
    "phases": [
        {"number": 1, "epochs": 5, "learning_rate": 1e-3},
        {"number": 2, "epochs": 3, "learning_rate": 1e-4},
    ],
}
# The prototype published no recipe for its late fusions: a small head on frozen nets, so ours is short.
LATE: dict[str, Any] = {
    "optimiser": "adamw",
    "learning_rate": 1e-3,
    "batch_size": 16,
    "epochs": 30,
    "modality_dropout": "none",
}
# The prototype's report names the phases and nothing else; rates and epochs are ours.
ENHANCED: dict[str, Any] = {
    "optimiser": "adamw",
    "batch_size": 8,
    "weight_decay": 1e-3,
    "schedule": {"kind": "cosine"},
    "augmentation": "flip and turn",
    "phases": [
        {"number": 1, "epochs": 30, "learning_rate": 1e-3},
        {"number": 2, "epochs": 30, "learning_rate": 5e-4},
        {"number": 3, "epochs": 10, "learning_rate": 3e-5},
    ],
}
# Ghosh et al., Interspeech 2023, and github.com/Sreyan88/MMER.
MMER: dict[str, Any] = {
    "optimiser": "adamw",
    "learning_rate": 5e-5,
    "batch_size": 2,
    "accumulate": 4,
    "epochs": 100,
    "gradient_clip": None,
    "patience": 10,  # published: the best of 100 epochs on the test itself
    "mmer": {"weight": 0.1},
}
DYNAMIC: dict[str, Any] = {"epochs": 60, "modality_dropout": "degrade", "schedule": {"kind": "cosine", "warm_up": 2}}

RECIPES: Mapping[NetName, Mapping[str, Any]] = {
    "efficientface": EFFICIENTFACE,
    "temporal": CHUMACHENKO,
    "voice-small": CHUMACHENKO,
    "wav2vec2": WAV2VEC2,
    "late-1": LATE,
    "late-2": LATE,
    "late-3": LATE,
    "late-4": LATE,
    "late-5": LATE,
    "lt": CHUMACHENKO,
    "it": CHUMACHENKO,
    "ia": CHUMACHENKO,
    "enhanced": ENHANCED,
    "mmer": MMER,
    "dynamic": DYNAMIC,
}
# The prototype's voice, which learned from RAVDESS itself: a test on RAVDESS is contaminated, and says so.
PROTOTYPE_VOICE = {"encoder": "ehcalabres/wav2vec2-lg-xlsr-en-speech-emotion-recognition", "encoder_head": "published"}
NETS: Mapping[NetName, Mapping[str, Any]] = {
    "ia": {"over": "sum"},
    "wav2vec2": {"encoder": "xlsr-large"},
    "enhanced": {"encoder": "xlsr-large"},
    **{kind: PROTOTYPE_VOICE for kind in ("late-1", "late-2", "late-3", "late-4", "late-5")},
}


def preset(
    net: NetName, corpus: CorpusConfig | None = None, *, last_corpus: CorpusConfig | None = None
) -> TrainingConfig:
    """The net's recipe on a corpus (left out: the made one).

    last_corpus: of the last phase: IEMOCAP for the enhanced model as the prototype trained it
    Raises ConfigRefused where the corpus lacks what the net needs.
    """
    values: dict[str, Any] = {**RECIPES[net], "net": {"name": net, **NETS.get(net, {})}}
    if corpus:
        values["corpus"] = corpus.model_dump()
    if last_corpus:
        *earlier, last = values.get("phases") or [{"number": 1}]
        values["phases"] = [*earlier, {**last, "corpus": last_corpus.model_dump()}]
    return TrainingConfig.checked(values)
