"""About how much memory and time a run will take, from sizes measured once: light enough to ask before every start.

Sizes are those of the published nets for one clip of 3.6 s, by `emotion.ml.describe` and by adding up what autograd
keeps of a forward pass; tests/emotion/ml/test_estimate.py measures them again. Nothing here loads torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from emotion.ml.training.config import NetConfig, TrainingConfig

FRAMES, SIDE = 15, 224  # of the faces below
COPIES = {"none": 1, "softhard": 4, "noise": 3, "degrade": 4}  # of each clip in a batch
FORWARD_AND_BACK = 3  # times the work of a forward pass
BYTES_OF_MOVING_WEIGHTS = {"sgd": 12, "adamw": 16}  # the weight, its gradient and what the optimiser remembers
PROCESS = 700_000_000  # bytes of an interpreter with torch in it
CUDA_CONTEXT = 600_000_000  # bytes
CPU_RATE, GPU_RATE = 1.5e10, 2e12  # multiply-accumulates a second, where no run has shown better
STEP = 0.02  # seconds a step costs however small the net


@dataclass(frozen=True)
class Part:
    """
    weights  parameters; those that never learn are in `still`
    kept     bytes that a clip leaves for the way back
    work     multiply-accumulates of a clip
    """

    weights: float
    kept: float
    work: float
    still: float = 0.0


FACES = Part(weights=1.6e6, kept=352e6, work=2.25e9)
CEPSTRUM = Part(weights=0.23e6, kept=2e6, work=0.05e9)
ENCODERS: Mapping[str, Part] = {
    "tiny": Part(weights=0.1e6, kept=3e6, work=0.1e9),
    "base": Part(weights=94.5e6, kept=326e6, work=25.6e9),
    "large": Part(weights=315.6e6, kept=689e6, work=66.1e9),
}
MMER_FUSION = Part(weights=35.4e6, kept=30e6, work=1.9e9)
ROBERTA = Part(weights=0, kept=0, work=1.1e9, still=124.6e6)


@dataclass(frozen=True)
class Estimate:
    """At the most: patience may end a run earlier.

    memory   bytes, of the GPU or of main memory
    seconds  of the whole run
    """

    parameters: int
    memory: int
    seconds: float


def estimate(config: TrainingConfig, clips: Mapping[str, int], on_gpu: bool, rate: float | None = None) -> Estimate:
    """
    clips   of each part: "train", "validation"
    on_gpu  where it will run
    rate    multiply-accumulates a second that earlier runs on that device made
    """
    parts = parts_of(config.net)
    moving = sum(part.weights for part in parts)
    still = sum(part.still for part in parts)
    half = 0.6 if config.precision == "bfloat16" else 1.0  # what stays in full precision is not halved
    kept = sum(part.kept for part in parts) * half * config.batch_size * COPIES[config.modality_dropout]
    weights = moving * BYTES_OF_MOVING_WEIGHTS[config.optimiser] + still * 4
    fixed = CUDA_CONTEXT if on_gpu else PROCESS * config.processes
    seconds_an_epoch = work_of_epoch(config, clips) / (rate or (GPU_RATE if on_gpu else CPU_RATE))
    steps = sum(clips.values()) / config.batch_size
    return Estimate(
        parameters=round(moving + still),
        memory=round(fixed + weights * (1 if on_gpu else config.processes) + kept),
        seconds=config.total_epochs * (seconds_an_epoch + steps * STEP),
    )


def work_of_epoch(config: TrainingConfig, clips: Mapping[str, int]) -> float:
    """Multiply-accumulates: forth and back over the copies of each training clip, forth over each validation clip."""
    once = sum(part.work for part in parts_of(config.net))
    learned = clips.get("train", 0) * COPIES[config.modality_dropout] * FORWARD_AND_BACK
    return once * (learned + clips.get("validation", 0))


def parts_of(net: NetConfig) -> list[Part]:
    parts = []
    if "faces" in net.inputs:
        pixels = (net.frames or FRAMES) / FRAMES * (net.side / SIDE) ** 2
        squared = net.width**2
        parts.append(Part(FACES.weights * squared, FACES.kept * pixels * net.width, FACES.work * pixels * squared))
    if "cepstrum" in net.inputs:
        parts.append(Part(CEPSTRUM.weights * net.width**2, CEPSTRUM.kept * net.width, CEPSTRUM.work * net.width**2))
    elif "sound" in net.inputs:
        parts.append(_encoder(net.encoder))
    if "text" in net.inputs:
        parts += [MMER_FUSION, ENCODERS["tiny"] if net.text_encoder == "tiny" else ROBERTA]
    return parts


def _encoder(name: str) -> Part:
    """A folder or hub id that calls itself large is taken for one."""
    return ENCODERS.get(name) or ENCODERS["large" if "large" in name else "base"]
