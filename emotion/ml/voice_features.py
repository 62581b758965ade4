"""A window of sound → one vector that says how somebody speaks, from an encoder that was trained to hear what is said.

The encoder comes as an argument: it is the speech recogniser's, and its pass can serve both.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from emotion.ml.nets.whisper_encoder import SAMPLE_RATE, STEPS_PER_SECOND, WhisperEncoder

STEP = SAMPLE_RATE // STEPS_PER_SECOND  # samples


@dataclass(frozen=True)
class VoiceFeaturesConfig:
    """
    layers    of the encoder, 0 being the input of the first: emotion is heard best in the middle ones
    level     decibels below full scale that each window is brought to, because browsers level what they record: acted
              anger is 20 dB louder than acted calm, and a net would learn that instead of the voice
    quietest  decibels below the window's loudest step; quieter steps are pauses and are not pooled
    """

    layers: tuple[int, ...] = (1, 2, 3)
    level: float = -26.0
    quietest: float = -35.0

    def count(self, width: int) -> int:
        """How many features an encoder of this width gives."""
        return 2 * len(self.layers) * width


class VoiceFeatures:
    """Mean and spread over the spoken steps of a window, of each chosen layer."""

    def __init__(self, encoder: WhisperEncoder, config: VoiceFeaturesConfig = VoiceFeaturesConfig()) -> None:
        self.encoder, self.config = encoder, config
        self.count = config.count(encoder.config.width)

    @torch.inference_mode()
    def __call__(self, sound: Tensor) -> Tensor:
        """
        sound:   (window, time)     16 kHz, windows of one length, at most 30 s
        returns  (window, feature)
        """
        heard = self.encoder(self.levelled(sound))  # (window, layer, step, width)
        return self.pool(heard, self.spoken(sound, heard.shape[2]))

    def levelled(self, sound: Tensor) -> Tensor:
        loudness = sound.square().mean(dim=1, keepdim=True).sqrt()
        return sound * (10 ** (self.config.level / 20) / loudness.clamp(min=1e-5))

    def spoken(self, sound: Tensor, steps: int) -> Tensor:
        """(window, step): whether a step is loud enough to be more than a pause."""
        whole = torch.nn.functional.pad(sound, (0, max(0, steps * STEP - sound.shape[1])))[:, : steps * STEP]
        power = whole.unflatten(1, (steps, STEP)).square().mean(dim=2)
        return power >= power.amax(dim=1, keepdim=True) * 10 ** (self.config.quietest / 10)

    def pool(self, heard: Tensor, spoken: Tensor) -> Tensor:
        """(window, layer, step, width) and (window, step) to (window, feature)."""
        chosen = heard[:, list(self.config.layers)]
        share = spoken / spoken.sum(dim=1, keepdim=True)
        mean = torch.einsum("wlsc,ws->wlc", chosen, share)
        spread = torch.einsum("wlsc,ws->wlc", (chosen - mean.unsqueeze(2)).square(), share).sqrt()
        return torch.cat([mean, spread], dim=2).flatten(1)
