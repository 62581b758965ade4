"""The voice net that ships: encoder, features, head, its training on made voices, and the weights themselves."""

import hashlib
import re
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch

from emotion import gate
from emotion.ml import checkpoint, media, voice
from emotion.ml.checkpoint import Card
from emotion.ml.datasets import ravdess
from emotion.ml.datasets.clips import Clip
from emotion.ml.errors import WrongCheckpoint
from emotion.ml.labels import LABELS
from emotion.ml.nets.voice_head import VoiceHead, VoiceHeadConfig
from emotion.ml.nets.whisper_encoder import WhisperEncoder, WhisperEncoderConfig, load_whisper_encoder
from emotion.ml.training.voice_examples import CLEAN, Heard
from emotion.ml.training.voice_head import NEUTRAL, Examples, VoiceTrainingConfig, card, evaluate, fit, train_folds
from emotion.ml.voice import Voice, installed_whisper
from emotion.ml.voice_features import VoiceFeatures, VoiceFeaturesConfig
from tests.emotion.ml.recordings import speech


@pytest.fixture(scope="module")
def encoder():
    return load_whisper_encoder(installed_whisper())


@pytest.fixture(scope="module")
def shipped(encoder):
    return Voice.load(encoder=encoder)


def hum(seconds: float = 1.0, pitch: float = 180.0, seed: int = 0) -> torch.Tensor:
    """A voice-like tone that comes and goes, over a little noise: (1, time)."""
    at = torch.arange(int(seconds * 16_000)) / 16_000
    tone = sum(torch.sin(2 * torch.pi * pitch * k * at) / k for k in range(1, 9))
    noise = torch.randn(len(at), generator=torch.Generator().manual_seed(seed))
    return (0.05 * tone * (1 + torch.sin(2 * torch.pi * 3 * at)) + 0.001 * noise).unsqueeze(0)


# The encoder


def test_the_last_layer_equals_what_the_recogniser_itself_hears(encoder):
    ctranslate2 = pytest.importorskip("ctranslate2")
    sound = hum()
    theirs = ctranslate2.models.Whisper(str(installed_whisper()), device="cpu", compute_type="float32")
    columns = ctranslate2.StorageView.from_array(encoder.spectrogram(sound).numpy())
    heard = np.array(theirs.encode(columns, to_cpu=True))
    assert np.abs(heard - encoder(sound)[:, -1].numpy()).max() < 1e-3


def test_the_spectrogram_is_the_recognisers(encoder):
    from faster_whisper.feature_extractor import FeatureExtractor

    sound = hum(1.3)
    theirs = FeatureExtractor()(sound[0].numpy(), padding=0)
    ours = encoder.spectrogram(sound)[0].numpy()
    assert np.abs(theirs[:, : ours.shape[1]] - ours).max() < 1e-3


def test_every_layer_is_heard_fifty_times_a_second(encoder):
    assert encoder(hum(1.0)).shape == (1, 5, 50, 384)


def test_a_folder_without_a_whisper_model_is_refused(tmp_path):
    with pytest.raises(WrongCheckpoint):
        load_whisper_encoder(tmp_path)
    (tmp_path / "model.bin").write_bytes(b"not a model")
    with pytest.raises(WrongCheckpoint):
        load_whisper_encoder(tmp_path)


# The features


@pytest.fixture
def small():
    torch.manual_seed(0)
    config = WhisperEncoderConfig(width=16, heads=2, layers=3, mels=80, longest=200)
    return VoiceFeatures(WhisperEncoder(config).eval(), VoiceFeaturesConfig(layers=(1, 3)))


def test_features_are_mean_and_spread_of_each_chosen_layer(small):
    assert small(hum()).shape == (1, small.count) == (1, 2 * 2 * 16)


def test_loudness_changes_no_feature(small):
    assert torch.allclose(small(hum()), small(hum() * 0.05), atol=1e-3)


def test_a_pause_is_not_pooled(small):
    heard, spoken = torch.randn(1, 4, 6, 16), torch.tensor([[True, True, True, False, False, False]])
    changed = heard.clone()
    changed[:, :, 3:] += 100
    assert torch.equal(small.pool(heard, spoken), small.pool(changed, spoken))
    assert small.spoken(torch.cat([hum(1.0), torch.zeros(1, 16_000)], dim=1), 100)[0, 51:].sum() == 0


def test_a_window_reads_alone_as_it_does_in_a_batch(small):
    batch = torch.cat([hum(seed=1), hum(pitch=240) * 0.1, hum(pitch=90)])
    assert torch.allclose(small(batch)[1:2], small(batch[1:2]), atol=1e-4)


def test_digital_silence_gives_finite_features(small):
    assert small(torch.zeros(1, 16_000)).isfinite().all()


# The head


def test_the_head_gives_eight_logits_for_strangers_and_known_speakers():
    head = VoiceHead(VoiceHeadConfig(features=12))
    features = torch.randn(5, 12)
    assert head(features).shape == head(features, torch.randn(12)).shape == (5, 8)
    assert sum(weight.numel() for weight in head.parameters()) == 2 * (12 * 8 + 8)


def test_gradients_reach_features_and_every_weight_of_the_head():
    head = VoiceHead(VoiceHeadConfig(features=12))
    features = torch.randn(5, 12, requires_grad=True)
    (head(features).logsumexp(1).sum() + head(features, torch.randn(12)).logsumexp(1).sum()).backward()
    assert features.grad.abs().sum() > 0
    assert all(weight.grad.abs().sum() > 0 for weight in head.parameters())


def test_a_speaker_who_sounds_like_everybody_is_moved_nowhere():
    head = VoiceHead(VoiceHeadConfig(features=3))
    head.neutral.copy_(torch.tensor([1.0, 2.0, 3.0]))
    features = torch.randn(2, 3)
    assert torch.equal(head.towards_everybody(features, head.neutral), features)


def test_saved_and_loaded_it_gives_equal_scores(tmp_path, small):
    torch.manual_seed(3)
    head = VoiceHead(VoiceHeadConfig(features=small.count))
    config = {"head": {"features": small.count, "usual_share": 0.5}, "features": {"layers": [1, 3]}}
    checkpoint.save(tmp_path / "head.safetensors", head, Card(net="voice-head", config=config))
    again = Voice.load(tmp_path / "head.safetensors", encoder=small.encoder)
    assert torch.equal(again.read(hum()), Voice(small, head).read(hum()))


def test_weights_of_another_net_are_refused(tmp_path, small):
    checkpoint.save(tmp_path / "other.safetensors", torch.nn.Linear(2, 2), Card(net="other", config={}))
    with pytest.raises(WrongCheckpoint, match="not a voice head"):
        Voice.load(tmp_path / "other.safetensors", encoder=small.encoder)


# The training, on features that are made: a direction for each label, one for each speaker, and noise


def a_corpus() -> list[Clip]:
    return [
        Clip("RAVDESS", f"{label}-{word}-{take}-{actor}", label, actor, actor, f"{label}-{word}-{take}-{actor}",
             sentence=word)
        for fold in ravdess.FOLDS[:5] for actor in fold for label in LABELS for word in ("01", "02") for take in "12"
    ]  # fmt: skip


def made_features(corpus: list[Clip], speaker: float = 0.5, noise: float = 1.0) -> Examples:
    rng = np.random.default_rng(0)
    labels = dict(zip(LABELS, rng.normal(size=(8, 24)) * 2, strict=True))
    speakers = {clip.speaker: rng.normal(size=24) * speaker for clip in corpus}

    def hear(condition: str) -> Heard:
        rows = [labels[c.label] + speakers[c.speaker] + rng.normal(size=24) * noise for c in corpus]
        return Heard(np.array(rows, np.float32), np.arange(len(corpus)))

    return Examples(corpus, hear)


def test_four_clips_are_learned_to_the_last():
    corpus = a_corpus()
    examples = made_features(corpus)
    four = np.array([place for place, clip in enumerate(corpus) if clip.name.endswith("01-1-01")])[:4]
    head = fit(examples, four, VoiceTrainingConfig(varied=(), strength=10.0))
    rows = torch.from_numpy(examples.heard(CLEAN).of(four).features)
    assert head(rows).argmax(1).tolist() == examples.labels[four].tolist()


def test_training_twice_comes_to_the_same_weights():
    examples = made_features(a_corpus())
    first, second = (fit(examples, np.arange(200), VoiceTrainingConfig()) for _ in range(2))
    assert torch.equal(first.stranger.weigh.weight, second.stranger.weigh.weight)


def test_a_clip_is_never_part_of_its_own_speakers_usual_and_sentences_count_the_same():
    examples = made_features(a_corpus())
    rows = examples.heard(CLEAN).features
    own = np.flatnonzero((examples.speakers == "01") & (examples.labels == NEUTRAL))
    first, again, *other_sentence = own
    assert np.allclose(examples.usual(CLEAN)[first], (rows[again] + rows[other_sentence].mean(axis=0)) / 2, atol=1e-5)
    angry = np.flatnonzero((examples.speakers == "01") & (examples.labels != NEUTRAL))[0]
    assert np.allclose(examples.usual(CLEAN)[angry], rows[own].mean(axis=0), atol=1e-5)


def test_knowing_the_speaker_helps_where_speakers_differ():
    examples = made_features(a_corpus(), speaker=3.0)
    report = evaluate(examples, train_folds(examples, VoiceTrainingConfig()), VoiceTrainingConfig())
    assert report["folds"]["known"]["UAR"] > report["folds"]["stranger"]["UAR"] + 0.03


def test_the_report_holds_every_protocol_and_the_leaky_control_flatters():
    examples = made_features(a_corpus(), speaker=4.0, noise=2.0)
    report = evaluate(examples, train_folds(examples, VoiceTrainingConfig()), VoiceTrainingConfig())
    assert set(report["windows"]) == {"1 s windows", "2 s windows", "3 s windows"}
    assert len(report["left-out sentence"]["known"]["UAR of each"]) == 10
    own = report["speaker known by the recording itself"]
    assert own["ten mixed clips"]["UAR"] > own["one label throughout"]["UAR"] > 1 / 8
    assert own["ten mixed clips"]["pooled"]["clips"] == len(examples.clips)
    folds, leaky = report["folds"]["stranger"], report["controls, leaky on purpose"]["stranger"]
    low, high = folds["interval of the pooled UAR, 95 %, over actors"]
    assert low < folds["pooled"]["unweighted_recall"] < high
    assert leaky["UAR"] > folds["UAR"]


def test_its_card_has_what_a_registrys_gate_asks_for():
    examples, config = made_features(a_corpus(), speaker=4.0, noise=2.0), VoiceTrainingConfig()
    told = card(examples, VoiceFeaturesConfig(), train_folds(examples, config), config)
    (figures,) = [row for row in gate.figures_of(asdict(told)) if row.protocol.endswith("stranger")]
    assert figures.ece is not None
    assert figures.ece < gate.LARGEST_CALIBRATION_ERROR
    assert figures.interval
    assert figures.interval[0] < figures.uar < figures.interval[1]
    assert figures.clips == len(examples.clips)


# The weights that ship


def test_the_shipped_weights_are_the_ones_the_card_describes():
    card = Path(voice.WEIGHTS).with_suffix(".md").read_text()
    (told,) = re.findall(r"sha256 of this file \| `([0-9a-f]{64})`", card)
    assert hashlib.sha256(voice.WEIGHTS.read_bytes()).hexdigest() == told
    assert voice.WEIGHTS.stat().st_size < 6e6


@pytest.mark.parametrize("seconds", [1.0, 2.0, 4.3])
def test_windows_and_whole_clips_are_read_as_probabilities(shipped, seconds):
    scores = shipped.read(hum(seconds))
    assert scores.shape == (1, 8)
    assert scores.sum().item() == pytest.approx(1.0, abs=1e-5)


def test_the_shipped_net_reads_a_window_alone_as_in_a_batch(shipped):
    batch = torch.cat([hum(seed=1), hum(pitch=260, seed=2)])
    assert torch.allclose(shipped.read(batch)[:1], shipped.read(batch[:1]), atol=1e-4)


def test_a_known_speaker_is_read_against_her_own_neutral_voice(shipped):
    usual = shipped.usual([hum(1.5)[0], hum(2.0, seed=4)[0]])
    known = shipped.read(hum(pitch=300), usual)
    assert known.sum().item() == pytest.approx(1.0, abs=1e-5)
    assert not torch.allclose(known, shipped.read(hum(pitch=300)), atol=1e-3)


def test_a_narrator_sounds_less_moved_once_her_own_recording_says_how_she_usually_sounds(shipped):
    """Read text, nobody moved: as a stranger's, a third of it was told for disgust."""
    sound = media.sound(speech("two_cities.wav"))
    windows = np.stack([sound[start : start + 48_000] for start in range(0, len(sound) - 48_000, 32_000)])
    features = shipped.hear(windows)
    alone = np.concatenate([shipped.tell(row[None]) for row in features])
    whole = shipped.tell(features)
    unmoved = [LABELS.index("neutral"), LABELS.index("calm")]
    assert whole.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert whole[:, unmoved].sum(axis=1).mean() > alone[:, unmoved].sum(axis=1).mean() + 0.1


def test_the_shipped_weights_say_what_they_learned_from():
    loaded = checkpoint.load(voice.WEIGHTS)
    assert loaded.card.corpora == ("RAVDESS",)
    assert "CC BY-NC-SA" in loaded.card.licence
