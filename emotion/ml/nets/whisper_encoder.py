"""Whisper's encoder with every layer in reach, on the weights that the speech recogniser already has installed.

CTranslate2's own `encode` gives the last layer only, and emotion is heard better in the middle ones.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers.audio_utils import mel_filter_bank

from emotion.ml.errors import WrongCheckpoint

SAMPLE_RATE = 16_000  # Hz
HOP = 160  # samples between two columns of the spectrogram
STEPS_PER_SECOND = 50  # of the encoder: its second convolution halves the columns


@dataclass(frozen=True)
class WhisperEncoderConfig:
    """The defaults are tiny.en."""

    width: int = 384
    heads: int = 6
    layers: int = 4
    mels: int = 80
    longest: int = 1500  # steps: 30 s


class WhisperEncoder(nn.Module):
    """Hear a sound as one vector each 20 ms, once a layer.

    Source: Radford et al. 2022, section 2.2. Differs: it takes windows of any length up to 30 s without padding them
    to 30 s, as CTranslate2 does too; a tenth of the work for a window of 3 s.
    """

    positions: Tensor

    def __init__(self, config: WhisperEncoderConfig = WhisperEncoderConfig()):
        super().__init__()
        self.config = config
        self.spectrogram = LogMel(config.mels)
        self.conv1 = nn.Conv1d(config.mels, config.width, kernel_size=3, padding=1)
        self.conv2 = nn.Conv1d(config.width, config.width, kernel_size=3, stride=2, padding=1)
        self.register_buffer("positions", torch.zeros(config.longest, config.width))
        self.layers = nn.ModuleList(EncoderLayer(config.width, config.heads) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)

    def forward(self, sound: Tensor) -> Tensor:
        """
        sound:   (clip, time)                  16 kHz, -1 to 1, at most 30 s
        returns  (clip, layer, step, width)    the input of the first layer, then each layer's output; 50 steps a second
        """
        columns = self.spectrogram(sound)  # (clip, mel, column)
        x = F.gelu(self.conv2(F.gelu(self.conv1(columns))))  # (clip, width, step)
        x = x.transpose(1, 2)
        x = x + self.positions[: x.shape[1]]
        heard = [x]
        for layer in self.layers:
            x = layer(x)
            heard.append(x)
        heard[-1] = self.norm(x)
        return torch.stack(heard, dim=1)


class EncoderLayer(nn.Module):
    """Self-attention and a wide step, each after a norm and around a shortcut."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.mix = nn.Linear(width, width)
        self.wide_norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, 4 * width)
        self.narrow = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(clip, step, width) in and out."""
        x = x + self.attend(self.attention_norm(x))
        return x + self.narrow(F.gelu(self.widen(self.wide_norm(x))))

    def attend(self, x: Tensor) -> Tensor:
        clips, steps, width = x.shape
        asked = self.query_key_value(x).view(clips, steps, 3, self.heads, width // self.heads)
        query, key, value = asked.permute(2, 0, 3, 1, 4)  # each (clip, head, step, width / heads)
        mixed = F.scaled_dot_product_attention(query, key, value)
        return self.mix(mixed.transpose(1, 2).reshape(clips, steps, width))


class LogMel(nn.Module):
    """Whisper's spectrogram: mel bands of 25 ms windows, one each 10 ms, cut 80 dB below the peak."""

    bank: Tensor
    window: Tensor

    def __init__(self, mels: int):
        super().__init__()
        bank = mel_filter_bank(201, mels, 0.0, SAMPLE_RATE / 2, SAMPLE_RATE, norm="slaney", mel_scale="slaney")
        self.register_buffer("bank", torch.tensor(bank.T, dtype=torch.float32), persistent=False)  # (mel, frequency)
        self.register_buffer("window", torch.hann_window(400), persistent=False)

    def forward(self, sound: Tensor) -> Tensor:
        """(clip, time) to (clip, mel, column). Each clip has a peak of its own: its neighbours do not matter."""
        waves = torch.stft(sound, 400, HOP, window=self.window, center=True, return_complex=True)
        power = waves[..., :-1].abs() ** 2
        loud = (self.bank @ power).clamp(min=1e-10).log10()
        loud = torch.maximum(loud, loud.amax(dim=(1, 2), keepdim=True) - 8.0)
        return (loud + 4.0) / 4.0


def load_whisper_encoder(folder: Path) -> WhisperEncoder:
    """The frozen encoder of a Whisper model that CTranslate2 converted: `folder` holds its model.bin.

    Raises WrongCheckpoint.
    """
    try:
        arrays = {name: array for name, array in _variables(folder / "model.bin") if name.startswith("encoder/")}
        net = WhisperEncoder(_config(arrays))
        net.load_state_dict(
            {
                _our_name(name): torch.from_numpy(array).float()
                for name, array in arrays.items()
                if name != "encoder/num_heads"
            }
        )
    except (OSError, struct.error, KeyError, ValueError, RuntimeError) as error:
        raise WrongCheckpoint(f"{folder.name} does not hold a Whisper encoder that can be read: {error}") from error
    return net.requires_grad_(False).eval()


def _config(arrays: dict[str, np.ndarray]) -> WhisperEncoderConfig:
    width, mels, _ = arrays["encoder/conv1/weight"].shape
    return WhisperEncoderConfig(
        width=width,
        heads=int(arrays["encoder/num_heads"]),
        layers=sum(name.endswith("self_attention/layer_norm/gamma") for name in arrays),
        mels=mels,
        longest=len(arrays["encoder/position_encodings/encodings"]),
    )


THEIR_NAMES = {
    "encoder/position_encodings/encodings": "positions",
    "encoder/layer_norm": "norm",
    "encoder/layer_": "layers.",
    "encoder/": "",
    "/self_attention/layer_norm": ".attention_norm",
    "/self_attention/linear_0": ".query_key_value",
    "/self_attention/linear_1": ".mix",
    "/ffn/layer_norm": ".wide_norm",
    "/ffn/linear_0": ".widen",
    "/ffn/linear_1": ".narrow",
    "/gamma": ".weight",
    "/beta": ".bias",
    "/": ".",
}


def _our_name(name: str) -> str:
    for theirs, ours in THEIR_NAMES.items():
        name = name.replace(theirs, ours)
    return name


DTYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}


def _variables(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Names and arrays of a CTranslate2 model file of version 6.

    Its layout: version, name, revision, count; then a variable at a time its name, shape, type and bytes.
    """
    content = memoryview(path.read_bytes())
    at = 0

    def take(form: str) -> tuple:
        nonlocal at
        values = struct.unpack_from("<" + form, content, at)
        at += struct.calcsize("<" + form)
        return values

    def text() -> str:
        (length,) = take("H")
        (raw,) = take(f"{length}s")
        return raw[:-1].decode()

    (version,) = take("I")
    if version != 6:
        raise ValueError(f"model file version {version}, expected 6")
    text()
    _revision, count = take("II")
    for _ in range(count):
        name = text()
        (rank,) = take("B")
        shape = take(f"{rank}I")
        kind, size = take("BI")
        yield name, np.frombuffer(content[at : at + size], dtype=DTYPES[kind]).reshape(shape).copy()
        at += size
