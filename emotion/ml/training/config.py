"""What a training run is told: every value with its range, read from TOML, refused with a sentence a field.

The same classes are a form's source: `TrainingConfig.model_json_schema()` has a title and a description for each value.
Nothing here loads torch.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from math import cos, pi
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from emotion.ml.errors import EmotionError
from emotion.ml.training.kinds import (
    BOTH,
    CORPUS_TITLES,
    FOLDS,
    FUSIONS,
    INPUTS,
    NET_TITLES,
    ON_WAV2VEC2,
    PHASES,
    WITHOUT_FACES,
    WITHOUT_TEXT,
    CorpusName,
    Input,
    NetName,
    taking,
)


def only(place: str, values: Iterable[str]) -> dict[str, Any]:
    """For a form: the field matters only while another one, beside it or by its full name, has one of these values."""
    return {"only": {place: list(values)}}


class ConfigRefused(EmotionError):
    """A config that cannot be run. `fields` has a sentence for each place, such as "phases.0.epochs"."""

    def __init__(self, fields: dict[str, str]):
        super().__init__(" ".join(f"{name}: {sentence}" for name, sentence in fields.items()))
        self.fields = fields


def refused(text: str, at: str = "") -> PydanticCustomError:
    """A sentence at the field whose validator raises it, or at a place inside of that field."""
    return PydanticCustomError("refused", "{text}", {"text": text, "at": at})


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _none_is_a_word(cls, values: Any) -> Any:
        """TOML cannot say "no value": where a field may have none, the word "none" says it."""
        if not isinstance(values, dict):
            return values
        may = {name for name, field in cls.model_fields.items() if type(None) in get_args(field.annotation)}
        return {name: None if name in may and value == "none" else value for name, value in values.items()}


class CorpusConfig(Strict):
    """Which clips, and which of them are the test."""

    name: CorpusName = Field(
        default="made",
        title="Corpus",
        description="Which recordings to learn from.",
        json_schema_extra={"titles": {**CORPUS_TITLES}},
    )
    folder: Path | None = Field(
        default=None,
        title="Corpus folder",
        description="Where the corpus lies as it was published and unpacked; the made corpus needs none.",
        validate_default=True,
        json_schema_extra=only("name", [name for name in CORPUS_TITLES if name != "made"]),
    )
    cache: Path | None = Field(
        default=None,
        title="Cache folder",
        description="Where found faces and decoded sound are kept between runs; empty puts it beside the corpus.",
        json_schema_extra=only("name", [name for name in CORPUS_TITLES if name != "made"]),
    )
    fold: int = Field(
        default=1,
        ge=1,
        le=6,
        title="Fold",
        description="Which actors are the test; the next fold's are the validation and the others are learned from.",
    )
    left_out: str = Field(
        default="",
        title="Left-out sentence",
        description="A sentence that is tested and never learned from, for corpora that repeat a few; empty tests all.",
    )
    actors: int = Field(
        default=12,
        ge=3,
        le=200,
        title="Made actors",
        description="How many actors the made corpus has.",
        json_schema_extra=only("name", ["made"]),
    )

    @field_validator("folder")
    @classmethod
    def _folder_for_what_is_not_made(cls, folder: Path | None, others: ValidationInfo) -> Path | None:
        name = others.data.get("name", "made")
        if folder is None and name != "made":
            raise refused(f"Say where {CORPUS_TITLES[name]} lies: the folder as it was published and unpacked.")
        return folder

    @field_validator("fold")
    @classmethod
    def _fold_that_the_corpus_has(cls, fold: int, others: ValidationInfo) -> int:
        name = others.data.get("name", "made")
        if fold > FOLDS[name]:
            count = FOLDS[name]
            raise refused(f"{CORPUS_TITLES[name]} has {count} fold{'s' if count > 1 else ''}.")
        return fold


class NetConfig(Strict):
    """Which net, how large, and what it starts from."""

    name: NetName = Field(
        default="lt",
        title="Net",
        description="Which system to train.",
        json_schema_extra={"titles": {**NET_TITLES}},
    )
    heads: Literal[1, 2, 4] = Field(
        default=1,
        title="Attention heads",
        description="Heads of the fusions that use attention.",
        json_schema_extra=only("name", FUSIONS),
    )
    over: Literal["mean", "sum"] = Field(
        default="mean",
        title="Attention over queries",
        description="How intermediate attention becomes one weight a step; the sum is as published, and holds for one "
        "length of clip only.",
        json_schema_extra=only("name", ["ia"]),
    )
    width: float = Field(
        default=1.0,
        gt=0,
        le=1,
        title="Width",
        description="Share of the published number of channels; a small share trains on a CPU in minutes.",
        json_schema_extra=only("name", taking("faces", "cepstrum")),
    )
    side: int = Field(
        default=224,
        ge=32,
        le=224,
        multiple_of=16,
        title="Face size",
        description="Pixels of a face, each way; published: 224.",
        json_schema_extra=only("name", taking("faces")),
    )
    frames: int | None = Field(
        default=None,
        ge=1,
        le=64,
        title="Frames a clip",
        description="Faces evenly spaced over a clip; empty takes 15, and what the made corpus draws there.",
        json_schema_extra=only("name", taking("faces")),
    )
    pixels: Literal["plain", "affectnet", "raf-db", "caer-s"] = Field(
        default="plain",
        title="Pixel normalisation",
        description="Mean and deviation taken out of the faces: those of the pictures that the face weights learned "
        "from.",
        json_schema_extra=only("name", taking("faces")),
    )
    face_weights: Path | None = Field(
        default=None,
        title="Face weights",
        description="A public EfficientFace checkpoint, or one of this project's own face runs, to start from.",
        json_schema_extra=only("name", taking("faces")),
    )
    voice_weights: Path | None = Field(
        default=None,
        title="Voice weights",
        description="A checkpoint of one of this project's own voice runs to start from.",
        json_schema_extra=only("name", [net for net in taking("sound", "cepstrum") if net != "mmer"]),
    )
    encoder: str = Field(
        default="base",
        min_length=1,
        title="wav2vec2 encoder",
        description="base, xlsr-large, a hub id or a local folder; tiny is a small random one for trying things out.",
        examples=["base", "xlsr-large", "tiny"],
        json_schema_extra=only("name", ON_WAV2VEC2),
    )
    encoder_head: Literal["new", "published"] = Field(
        default="new",
        title="wav2vec2 head",
        description="A new classifier, or the one that the encoder's checkpoint already carries.",
        validate_default=True,
        json_schema_extra=only("name", ON_WAV2VEC2),
    )
    projection: int = Field(
        default=128,
        ge=8,
        le=1024,
        title="Voice projection",
        description="Features that a new wav2vec2 head projects to.",
        json_schema_extra=only("name", ON_WAV2VEC2),
    )
    text_encoder: str = Field(
        default="roberta-base",
        min_length=1,
        title="Text encoder",
        description="RoBERTa for MMER's words: a hub id or a local folder; tiny is a small random one.",
        examples=["roberta-base", "tiny"],
        json_schema_extra=only("name", taking("text")),
    )
    fetch: bool = Field(
        default=False,
        title="Fetch encoders",
        description="Download an encoder that is not on this machine; otherwise nothing leaves it.",
        json_schema_extra=only("name", ON_WAV2VEC2),
    )

    @property
    def inputs(self) -> tuple[Input, ...]:
        return INPUTS[self.name]

    @property
    def has_faces(self) -> bool:
        return "faces" in self.inputs

    @property
    def has_voice(self) -> bool:
        return "sound" in self.inputs or "cepstrum" in self.inputs

    @field_validator("face_weights")
    @classmethod
    def _face_weights_that_fit(cls, weights: Path | None, others: ValidationInfo) -> Path | None:
        name = others.data.get("name")
        if weights and name and "faces" not in INPUTS[name]:
            raise refused("This net sees no faces. Leave the face weights out.")
        if weights and weights.suffix != ".safetensors" and others.data.get("width", 1) != 1:
            raise refused("Published face weights fit the published width of 1 only.")
        return weights

    @field_validator("voice_weights")
    @classmethod
    def _voice_weights_that_fit(cls, weights: Path | None, others: ValidationInfo) -> Path | None:
        name = others.data.get("name")
        if weights and name in ("efficientface", "temporal", "mmer"):
            raise refused("This net takes no trained voice. Leave the voice weights out.")
        return weights

    @field_validator("encoder_head")
    @classmethod
    def _head_that_somebody_trained(cls, head: str, others: ValidationInfo) -> str:
        name, encoder = others.data.get("name", ""), others.data.get("encoder")
        trained = head == "published" or others.data.get("voice_weights") or encoder == "tiny"
        if name.startswith("late-") and not trained:
            raise refused("A late fusion does not train its voice. Give voice weights, or choose the published head.")
        return head


class Schedule(Strict):
    """How the learning rate moves within a phase."""

    kind: Literal["constant", "steps", "cosine", "linear"] = Field(
        default="constant",
        title="Schedule",
        description="Constant; multiplied at each step; or down to nothing along a cosine or a line.",
    )
    warm_up: int = Field(
        default=0, ge=0, le=100, title="Warm-up", description="Epochs in which the rate rises from nothing."
    )
    at: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        default=(),
        title="Steps at",
        description="Epochs, counted from 0, at which the steps schedule multiplies.",
        json_schema_extra=only("kind", ["steps"]),
    )
    factor: float = Field(
        default=0.1,
        gt=0,
        lt=1,
        title="Step factor",
        description="What each step multiplies the rate by.",
        json_schema_extra=only("kind", ["steps"]),
    )

    @field_validator("at")
    @classmethod
    def _steps_rise(cls, at: tuple[int, ...]) -> tuple[int, ...]:
        if list(at) != sorted(set(at)):
            raise refused("Name each epoch once, the earliest first.")
        return at

    def rate(self, epoch: int, epochs: int) -> float:
        """The share of the full learning rate in this epoch, counted from 0."""
        if epoch < self.warm_up:
            return (epoch + 1) / (self.warm_up + 1)
        gone = (epoch - self.warm_up) / max(1, epochs - self.warm_up)
        match self.kind:
            case "steps":
                return self.factor ** sum(epoch >= step for step in self.at)
            case "cosine":
                return 0.5 * (1 + cos(pi * gone))
            case "linear":
                return 1 - gone
        return 1.0


class PhaseConfig(Strict):
    """One stretch of training: what learns in it is the net's own matter, by the phase's number."""

    number: int = Field(
        default=1,
        ge=1,
        le=3,
        title="Phase",
        description="Which of the net's phases: what is frozen in it, and what learns.",
    )
    epochs: int | None = Field(default=None, ge=1, le=2000, title="Epochs", description="Empty takes the run's.")
    learning_rate: float | None = Field(
        default=None, gt=0, le=1, title="Learning rate", description="Full rate of this phase; empty takes the run's."
    )
    corpus: CorpusConfig | None = Field(
        default=None, title="Corpus", description="Another corpus for this phase; empty takes the run's."
    )


class SoftLabelConfig(Strict):
    """Label distribution learning: a net that already reads faces says what each face is a mixture of."""

    generator: str = Field(
        default="expression",
        min_length=1,
        title="Label generator",
        description="The shipped expression net, a public EfficientFace checkpoint or a run's of single faces.",
        examples=["expression"],
    )
    temperature: float = Field(
        default=1.0,
        ge=0.1,
        le=10,
        title="Softness",
        description="Above 1 the generator's labels are softer than it says.",
    )
    over: Literal["faces", "faces and classes"] = Field(
        default="faces",
        title="Mean over",
        description="Published rates belong to the mean over faces and classes, which is smaller by their number.",
    )


class MMERConfig(Strict):
    """What MMER is punished for beside its wrong guesses: λ (spelling + twin + contrast)."""

    weight: float = Field(
        default=0.1, ge=0, le=10, title="λ", description="Weight of the three further losses beside cross-entropy."
    )
    spelling: bool = Field(default=True, title="Spelling (CTC)", description="Learn to spell what was said.")
    spelling_mean: Literal["sum", "mean"] = Field(
        default="sum", title="Spelling over", description="Summed over the clips, as published, or their mean."
    )
    twin: bool = Field(
        default=True,
        title="Altered twin",
        description="Find each clip's twin, said faster or slower with words left out, among the batch.",
    )
    contrast: bool = Field(
        default=True,
        title="Supervised contrast",
        description="Pull clips of one label together and push the others away.",
    )
    contrast_mean: Literal["outside", "inside"] = Field(
        default="outside",
        title="Contrast form",
        description="Mean over a clip's positives outside or inside the logarithm.",
    )
    temperature: float = Field(
        default=0.07, gt=0, le=1, title="Contrast temperature", description="What similarities are divided by."
    )


class TrainingConfig(Strict):
    """A whole run."""

    corpus: CorpusConfig = Field(
        default=CorpusConfig(), title="Corpus", description="What is learned from and tested on."
    )
    net: NetConfig = Field(default=NetConfig(), title="Net", description="What is trained.", validate_default=True)
    epochs: int = Field(
        default=30, ge=1, le=2000, title="Epochs", description="How often each clip is seen, at the most, in a phase."
    )
    batch_size: int = Field(default=8, ge=2, le=512, title="Batch size", description="Clips in a step.")
    accumulate: int = Field(
        default=1, ge=1, le=256, title="Accumulation", description="Batches whose gradients are added up to one step."
    )
    optimiser: Literal["sgd", "adamw"] = Field(
        default="adamw", title="Optimiser", description="Plain descent with momentum, or AdamW."
    )
    learning_rate: float = Field(
        default=1e-3, gt=0, le=1, title="Learning rate", description="Full rate, before the schedule."
    )
    momentum: float = Field(
        default=0.9,
        ge=0,
        lt=1,
        title="Momentum",
        description="Of SGD.",
        json_schema_extra=only("optimiser", ["sgd"]),
    )
    dampening: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        title="Dampening",
        description="Of SGD's momentum.",
        json_schema_extra=only("optimiser", ["sgd"]),
    )
    weight_decay: float = Field(
        default=1e-3, ge=0, le=1, title="Weight decay", description="How strongly weights are pulled to 0."
    )
    schedule: Schedule = Field(
        default=Schedule(), title="Rate schedule", description="How the learning rate moves over the epochs of a phase."
    )
    gradient_clip: float | None = Field(
        default=1.0,
        gt=0,
        le=100,
        title="Gradient clip",
        description="Largest norm of the gradients; empty does not clip.",
    )
    loss: Literal["cross_entropy", "soft_label"] = Field(
        default="cross_entropy",
        title="Loss",
        description="Against the clip's label, or against the mixture that a generator sees in its faces.",
        json_schema_extra=only("net.name", taking("faces")),
    )
    soft_labels: SoftLabelConfig = Field(
        default=SoftLabelConfig(),
        title="Soft labels",
        description="Where the soft-label loss gets its labels.",
        json_schema_extra=only("loss", ["soft_label"]),
    )
    mmer: MMERConfig = Field(
        default=MMERConfig(),
        title="MMER's losses",
        description="For MMER only.",
        json_schema_extra=only("net.name", taking("text")),
    )
    modality_dropout: Literal["none", "softhard", "noise", "degrade"] = Field(
        default="softhard",
        title="Modality dropout",
        description="Copies of each clip in which a channel fades or lacks, is noise, or is blurred and noisy.",
        validate_default=True,
        json_schema_extra=only("net.name", BOTH),
    )
    augmentation: Literal["none", "flip", "flip and turn"] = Field(
        default="none",
        title="Face augmentation",
        description="Mirror half of the clips; turn each by up to 10 degrees besides.",
        json_schema_extra=only("net.name", taking("faces")),
    )
    phases: tuple[PhaseConfig, ...] = Field(
        default=(),
        max_length=9,
        title="Phases",
        description="Stretches of training, in order; empty goes through the net's own, each on the run's corpus.",
    )
    patience: int | None = Field(
        default=10,
        ge=1,
        le=2000,
        title="Patience",
        description="Epochs without a better validation UAR after which a phase ends; empty never ends early.",
    )
    calibrate: bool = Field(
        default=True,
        title="Calibration",
        description="Fit a temperature on the validation clips, so that shares are honest.",
    )
    seed: int = Field(
        default=1, ge=0, lt=2**31, title="Seed", description="Equal seeds give equal runs on one machine."
    )
    device: str = Field(
        default="auto",
        pattern=r"^(auto|cpu|cuda(:\d+|:all)?)$",
        title="Device",
        description="auto, cpu, cuda, one GPU such as cuda:1, or cuda:all for every GPU of this machine.",
        examples=["auto", "cpu", "cuda", "cuda:all"],
    )
    processes: int = Field(
        default=1,
        ge=1,
        le=64,
        title="Processes",
        description="Processes that share each batch on the CPU; with cuda:all it is one a GPU.",
    )
    precision: Literal["float32", "bfloat16"] = Field(
        default="float32", title="Precision", description="bfloat16 is faster on recent GPUs and rounds more."
    )
    compile: bool = Field(
        default=False,
        title="Compile",
        description="Let torch compile the net: slow to start, faster a step; left out on the CPU and without a "
        "compiler.",
    )

    @classmethod
    def from_toml(cls, text: str) -> TrainingConfig:
        """Raises ConfigRefused: not TOML, an unknown name, or a value out of its range."""
        try:
            return cls.checked(tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            raise ConfigRefused({"config": f"This is not TOML: {error}."}) from error

    @classmethod
    def checked(cls, values: dict) -> TrainingConfig:
        """Raises ConfigRefused."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise ConfigRefused({place(found): sentence(found) for found in error.errors()}) from error

    @property
    def stages(self) -> tuple[PhaseConfig, ...]:
        """The phases that the run goes through, each with its own epochs, rate and corpus filled in."""
        own = tuple(PhaseConfig(number=number) for number in range(1, PHASES.get(self.net.name, 1) + 1))
        return tuple(
            PhaseConfig(
                number=phase.number,
                epochs=phase.epochs or self.epochs,
                learning_rate=phase.learning_rate or self.learning_rate,
                corpus=phase.corpus or self.corpus,
            )
            for phase in self.phases or own
        )

    @property
    def total_epochs(self) -> int:
        """At the most, over all phases."""
        return sum(phase.epochs or 0 for phase in self.stages)

    @model_validator(mode="before")
    @classmethod
    def _the_net_s_own_dropout_unless_asked(cls, values: Any) -> Any:
        """What is not said is what the net can have: only asking for more is an error."""
        if not isinstance(values, dict) or "modality_dropout" in values:
            return values
        name = _net_name(values)
        usual = "degrade" if name == "dynamic" else "softhard" if both_channels(name) else "none"
        return {"modality_dropout": usual, **values}

    @field_validator("net")
    @classmethod
    def _net_that_the_corpus_feeds(cls, net: NetConfig, others: ValidationInfo) -> NetConfig:
        corpus = others.data.get("corpus")
        if isinstance(corpus, CorpusConfig):
            check_feeds(corpus, net, at="name")
        return net

    @field_validator("loss")
    @classmethod
    def _loss_that_the_net_can_have(cls, loss: str, others: ValidationInfo) -> str:
        net = others.data.get("net")
        if loss == "soft_label" and isinstance(net, NetConfig) and not net.has_faces:
            raise refused("Soft labels come from faces, and this net sees none. Choose cross_entropy.")
        return loss

    @field_validator("modality_dropout")
    @classmethod
    def _dropout_needs_two_channels(cls, kind: str, others: ValidationInfo) -> str:
        net = others.data.get("net")
        if kind != "none" and isinstance(net, NetConfig) and not both_channels(net.name):
            raise refused("Modality dropout needs a net with both face and voice. Choose none.")
        if kind in ("softhard", "noise") and isinstance(net, NetConfig) and net.name == "dynamic":
            raise refused("Dynamic fusion learns from channels that show how bad they are. Choose degrade or none.")
        return kind

    @field_validator("phases")
    @classmethod
    def _phases_that_the_net_has(cls, phases: tuple[PhaseConfig, ...], others: ValidationInfo) -> tuple:
        net = others.data.get("net")
        if isinstance(net, NetConfig):
            count = PHASES.get(net.name, 1)
            for number, phase in enumerate(phases):
                if phase.number > count:
                    only = f"{NET_TITLES[net.name]} has {count} phase{'s' if count > 1 else ''}."
                    raise refused(only, at=f"{number}.number")
                if phase.corpus:
                    check_feeds(phase.corpus, net, at=f"{number}.corpus.name")
        return phases

    @field_validator("processes")
    @classmethod
    def _processes_that_can_share(cls, processes: int, others: ValidationInfo) -> int:
        device, size = others.data.get("device", "cpu"), others.data.get("batch_size", 512)
        if processes > 1 and device not in ("cpu", "cuda:all"):
            raise refused("Several processes need the device cpu or cuda:all.")
        if 2 * processes > size:
            raise refused(f"Each process needs at least two clips of a batch, and a batch has {size}.")
        return processes


def both_channels(name: str) -> bool:
    inputs = INPUTS.get(name, ("faces", "sound"))  # type: ignore[call-overload]
    return "faces" in inputs and len(inputs) > 1


def check_feeds(corpus: CorpusConfig, net: NetConfig, at: str) -> None:
    if net.has_faces and corpus.name in WITHOUT_FACES:
        raise refused(f"{CORPUS_TITLES[corpus.name]} has no faces, which this net needs.", at)
    if "text" in net.inputs and corpus.name in WITHOUT_TEXT:
        raise refused(f"{CORPUS_TITLES[corpus.name]} has no transcripts, which this net needs.", at)


def _net_name(values: dict) -> str:
    net = values.get("net", {})
    name = net.get("name", "lt") if isinstance(net, dict) else getattr(net, "name", "lt")
    return name if name in get_args(NetName) else "lt"


def place(found: ErrorDetails) -> str:
    inside = found.get("ctx", {}).get("at", "")
    return ".".join(str(part) for part in (*found["loc"], *([inside] if inside else []))) or "config"


def sentence(found: ErrorDetails) -> str:
    if found["type"] == "extra_forbidden":
        return "There is no such setting."
    text = found["msg"].removeprefix("Value error, ").rstrip(".")
    given = "" if found["type"] in ("value_error", "refused") else f" (given: {found['input']!r})"
    return f"{text[:1].upper()}{text[1:]}{given}."
