"""What happens to a voice between a mouth and a file: other speed, room, noise, level, and a browser's codec."""

import io

import av
import numpy as np

from emotion.ml.nets.whisper_encoder import SAMPLE_RATE

Samples = np.ndarray  # (time,) float32, 16 kHz, -1 to 1
OPUS_RATE = 48_000  # Hz: the rate that browsers record at


def at_level(sound: Samples, decibels: float) -> Samples:
    """The sound at this RMS level below full scale; silence stays silence."""
    rms = float(np.sqrt(np.mean(np.square(sound, dtype=np.float64))))
    return sound * np.float32(10 ** (decibels / 20) / max(rms, 1e-5))


def faster(sound: Samples, factor: float) -> Samples:
    """Play it faster (above 1) or slower: pitch and formants move along, as if another person spoke."""
    length = round(len(sound) / factor)
    spectrum = np.fft.rfft(sound)[: length // 2 + 1]
    return (np.fft.irfft(spectrum, length) * (length / len(sound))).astype(np.float32)


def with_noise(sound: Samples, decibels: float, rng: np.random.Generator, slope: float = 1.0) -> Samples:
    """Add steady noise at this signal-to-noise ratio. slope: 0 is white, 1 pink, 2 a rumble."""
    spectrum = np.fft.rfft(rng.standard_normal(len(sound)))
    spectrum /= np.maximum(np.arange(len(spectrum)), 1) ** (slope / 2)
    noise = np.fft.irfft(spectrum, len(sound))
    ratio = np.sqrt(np.mean(np.square(sound, dtype=np.float64)) / np.mean(noise**2))
    return (sound + noise * ratio * 10 ** (-decibels / 20)).astype(np.float32)


def in_room(sound: Samples, seconds: float, rng: np.random.Generator, distance: float = 0.3) -> Samples:
    """Add the echo of a room that falls by 60 dB in this time. distance: the echo's energy over the direct sound's."""
    steps = np.arange(int(seconds * SAMPLE_RATE))
    echo = rng.standard_normal(len(steps)) * 10 ** (-3 * steps / len(steps))
    echo *= np.sqrt(distance / np.sum(echo**2))
    echo[0] = 1.0
    length = len(sound) + len(echo)
    wet = np.fft.irfft(np.fft.rfft(sound, length) * np.fft.rfft(echo, length), length)
    return wet[: len(sound)].astype(np.float32)


def through_opus(sound: Samples, bit_rate: int = 32_000) -> Samples:
    """Encode and decode as a browser's recording would be; as long as it was."""
    file = io.BytesIO()
    with av.open(file, "w", format="ogg") as target:
        stream = target.add_stream("libopus", rate=OPUS_RATE, layout="mono", bit_rate=bit_rate)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound[None], dtype=np.float32), "flt", "mono")
        frame.rate = SAMPLE_RATE
        for packet in (*stream.encode(frame), *stream.encode(None)):
            target.mux(packet)
    file.seek(0)
    resampler = av.AudioResampler("flt", "mono", SAMPLE_RATE)
    with av.open(file, "r") as source:
        frames = [part for frame in source.decode(audio=0) for part in resampler.resample(frame)]
    heard = np.concatenate([part.to_ndarray().ravel() for part in (*frames, *resampler.resample(None))])
    return np.pad(heard, (0, max(0, len(sound) - len(heard))))[: len(sound)]
