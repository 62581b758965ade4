"""Every net that can be trained: it is shown what it asks for, learns with all it has, and comes back from a file."""

from dataclasses import replace
from typing import get_args

import pytest
import torch
from transformers import Wav2Vec2Model

from emotion.ml import checkpoint
from emotion.ml.datasets.made_words import LINES, words_of
from emotion.ml.errors import EmotionError, WrongCheckpoint
from emotion.ml.labels import LABELS
from emotion.ml.nets.blocks import resting
from emotion.ml.nets.temporal import EfficientFaceTemporal
from emotion.ml.nets.wav2vec2 import Wav2Vec2Voice
from emotion.ml.training.config import NetConfig
from emotion.ml.training.data import data_for
from emotion.ml.training.examples import batches, draws
from emotion.ml.training.kinds import NetName
from emotion.ml.training.learners import MMERLearner, generator_for
from emotion.ml.training.lineage import lineage_of
from emotion.ml.training.loop import train_epoch
from emotion.ml.training.modality_dropout import with_degraded
from emotion.ml.training.run import run
from emotion.ml.training.systems import build, rebuild, start
from emotion.ml.training.variations import said_otherwise
from tests.emotion.ml.nets.known import lively, starved
from tests.emotion.ml.nets.test_mmer import a_folder_of_roberta
from tests.emotion.ml.nets.test_wav2vec2 import narrow, the_ravdess_checkpoint
from tests.emotion.ml.training_runs import a_learner, collating, four, made, tiny

NETS = get_args(NetName)
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def a_batch(config, examples):
    batch = collating(config)(examples)
    if config.net.name == "mmer":
        batch = replace(batch, twin=collating(config)([said_otherwise(clip, draws(1)) for clip in examples]))
    return batch


def losses(config, examples, epochs, rate, learner):
    """The loss of each epoch on these examples."""
    optimiser = torch.optim.AdamW([weight for weight in learner.parameters() if weight.requires_grad], lr=rate)
    return [
        train_epoch(learner, batches(examples, 4, lambda part: a_batch(config, part)), optimiser, device=CPU).mean
        for _ in range(epochs)
    ]


@pytest.mark.parametrize("name", NETS)
def test_gradients_reach_every_weight_that_may_learn(name):
    config = tiny(name)
    learner = a_learner(config).train()
    clips = [*made().train[:8], *with_degraded(made().train[8:10], draws(0))]
    learner(learner.prepared(a_batch(config, clips))).backward()
    assert learner.net.training
    # A bias that batch normalisation takes out again has no gradient but rounding.
    assert [weight for weight in starved(learner.net) if ".gate_s_conv_" not in weight] == []


# Not late fusions: they learn a plane or two on frozen random nets, whose answers hardly differ.
@pytest.mark.parametrize(
    "name", ["efficientface", "temporal", "voice-small", "wav2vec2", "enhanced", "mmer", "dynamic"]
)
def test_four_made_clips_are_learned_by_heart(name):
    config = tiny(name, {"width": 0.1}, mmer={"weight": 0.001})
    learner = a_learner(config)
    shown = learner.prepared(collating(config)(four()))

    def knows():
        # In training mode: four clips are too few for the running means to settle.
        with torch.no_grad():
            return learner.train().logits(shown).argmax(1).tolist() == [0, 2, 4, 6]

    assert not knows()
    tries = (losses(config, four(), 5, 3e-3, learner) for _ in range(12))
    assert any(told[-1] < told[0] and knows() for told in tries)


@pytest.mark.parametrize("name", ["late-1", "late-2", "late-3", "late-4", "late-5"])
def test_a_late_fusion_s_head_learns_and_its_nets_stay(name):
    config = tiny(name)
    learner = a_learner(config)
    before = {key: value.clone() for key, value in learner.net.state_dict().items()}
    told = losses(config, four(), 8, 1e-2, learner)
    assert told[-1] < told[0]
    after = learner.net.state_dict()
    moved = {key for key, value in before.items() if not torch.equal(value, after[key])}
    assert moved == {key for key in before if key.startswith("head.")}
    assert {key.partition(".")[0] for key in resting(learner.net)} == {"face", "voice"}


@pytest.mark.parametrize("name", NETS)
def test_a_clip_reads_the_same_alone_and_beside_a_longer_one(name):
    config = tiny(name)
    learner = a_learner(config).eval()
    lively(learner.net)
    short = [clip._replace(name=f"short {clip.name}", sound=clip.sound[:9000]) for clip in made().test[:2]]
    clips = [*short, made().test[5]]
    with torch.no_grad():
        together = learner.logits(learner.prepared(collating(config)(clips)))
        assert (together[0] - together[1]).abs().max() > 5e-3
        for place, clip in enumerate(clips):
            alone = learner.logits(learner.prepared(collating(config)([clip])))
            torch.testing.assert_close(alone[0], together[place], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["efficientface", "voice-small", "wav2vec2", "late-5", "mmer", "enhanced", "dynamic"])
def test_a_run_s_checkpoint_alone_gives_back_its_net(name, tmp_path):
    config = tiny(name, epochs=1)
    saved = run(config, made(), tmp_path)
    again = rebuild(checkpoint.load(tmp_path / "best.safetensors"))
    assert checkpoint.digest_of(again.state_dict()) == saved.sha256
    assert not again.training


def test_a_checkpoint_of_something_else_is_not_rebuilt(tmp_path):
    saved = checkpoint.save(tmp_path / "x.safetensors", torch.nn.Linear(2, 2), checkpoint.Card("voice-head", {}))
    with pytest.raises(WrongCheckpoint, match="not of a training run"):
        rebuild(saved)


# --- Soft labels ---


def test_soft_labels_of_the_shipped_net_sum_to_one_and_know_no_calm():
    learner = a_learner(tiny("efficientface", loss="soft_label")).train()
    batch = learner.prepared(collating(learner.config)(four()))
    assert batch.soft.shape == (4, 5, 8)
    torch.testing.assert_close(batch.soft.sum(dim=-1), torch.ones(4, 5))
    assert not batch.soft[..., LABELS.index("calm")].any()
    assert learner.eval().prepared(collating(learner.config)(four())).soft is None


@pytest.mark.parametrize("name", ["efficientface", "lt"])
def test_a_net_comes_nearer_to_the_generator_s_labels(name):
    config = tiny(name, loss="soft_label")
    told = losses(config, four(), 8, 3e-3, a_learner(config))
    assert told[-1] < told[0]


def test_a_public_face_net_that_is_not_there_cannot_give_labels():
    with pytest.raises(WrongCheckpoint, match=r"no file nowhere\.pth\.tar"):
        a_learner(tiny("efficientface", loss="soft_label", soft_labels={"generator": "nowhere.pth.tar"}))


def test_a_face_run_of_this_project_gives_soft_labels_too(tmp_path):
    saved = run(tiny("efficientface", epochs=1), made(), tmp_path)
    config = tiny("temporal", loss="soft_label", soft_labels={"generator": str(tmp_path / "best.safetensors")})
    faces = made().test[0].faces.float() / 255
    told = rebuild(saved)(faces).softmax(dim=1)
    torch.testing.assert_close(generator_for(config)(faces), told)
    assert lineage_of(config, made()).seen["made"]["speakers"] == ["02", "03"]
    elsewhere = tiny("temporal", corpus={"actors": 3, "fold": 2}, loss="soft_label", soft_labels=config.soft_labels)
    with pytest.raises(EmotionError, match="who are the test here"):
        lineage_of(elsewhere, data_for(elsewhere))


# --- MMER ---


def test_each_further_loss_of_mmer_counts_only_where_it_is_asked_for():
    def loss(**parts):
        chosen = {"spelling": False, "twin": False, "contrast": False, **parts}
        config = tiny("mmer", mmer=chosen)
        learner = a_learner(config)
        batch = a_batch(config, [*four(), *made().train[:2]])
        return float(learner(batch if parts.get("twin") else replace(batch, twin=None)).detach())

    alone = loss()
    assert all(loss(**{part: True}) > alone + 1e-4 for part in ("spelling", "twin", "contrast"))


def test_parts_of_mmer_that_no_loss_asks_for_rest():
    learner = a_learner(tiny("mmer", mmer={"spelling": False, "twin": False, "contrast": False}))
    assert isinstance(learner, MMERLearner)
    parts = (learner.net.speller, learner.net.original_view, learner.net.altered_view)
    assert not any(weight.requires_grad for part in parts for weight in part.parameters())


def test_words_and_sound_of_unlike_width_are_refused(tmp_path):
    with pytest.raises(WrongCheckpoint, match="The words have 16 features and the sound 32"):
        a_learner(tiny("mmer", {"text_encoder": str(a_folder_of_roberta(tmp_path))}))


def test_a_made_actor_says_the_same_line_again_and_most_lines_go_with_the_label():
    clips = [*made().split.train, *made().split.test]
    assert [words_of(clip) for clip in clips] == [words_of(clip) for clip in clips]
    telling = [words_of(clip) in LINES[clip.label] for clip in clips]
    assert 0.7 < sum(telling) / len(telling) < 1


# --- What a net starts from ---


def test_a_fusion_starts_from_the_face_and_the_voice_of_earlier_runs(tmp_path):
    face = run(tiny("temporal", epochs=1), made(), tmp_path / "face")
    voice = run(tiny("voice-small", epochs=1), made(), tmp_path / "voice")
    from_both = {
        "face_weights": str(tmp_path / "face" / "best.safetensors"),
        "voice_weights": str(tmp_path / "voice" / "best.safetensors"),
    }
    for name in ("lt", "dynamic"):
        learner = a_learner(tiny(name, from_both))
        start(learner.net, learner.config.net)
        for part, saved in (("face", face), ("voice", voice)):
            assert checkpoint.digest_of(getattr(learner.net, part).state_dict()) == saved.sha256


def test_a_late_fusion_takes_the_size_of_its_voice_from_the_run_that_trained_it(tmp_path):
    run(tiny("wav2vec2", {"projection": 24}, epochs=1), made(), tmp_path)
    config = tiny("late-4", {"voice_weights": str(tmp_path / "best.safetensors")})
    learner = a_learner(config)
    assert learner.net.voice.config.projection == 24
    start(learner.net, config.net)
    saved = checkpoint.load(tmp_path / "best.safetensors")
    assert torch.equal(learner.net.voice.projector.weight, saved.weights["projector.weight"])


def test_a_temporal_net_takes_only_the_trunk_of_a_net_of_single_faces(tmp_path):
    saved = run(tiny("efficientface", epochs=1), made(), tmp_path)
    learner = a_learner(tiny("temporal", {"face_weights": str(tmp_path / "best.safetensors")}))
    head = learner.net.classifier_1[0].weight.clone()
    start(learner.net, learner.config.net)
    assert isinstance(learner.net, EfficientFaceTemporal)
    assert torch.equal(learner.net.conv1[0].weight, saved.weights["conv1.0.weight"])
    assert torch.equal(learner.net.classifier_1[0].weight, head)


def test_weights_of_the_other_channel_are_refused(tmp_path):
    run(tiny("temporal", epochs=1), made(), tmp_path)
    config = tiny("lt", {"voice_weights": str(tmp_path / "best.safetensors")})
    with pytest.raises(WrongCheckpoint, match="is of the net temporal; one of voice-small is needed"):
        start(a_learner(config).net, config.net)


def test_an_encoder_that_is_not_on_this_machine_is_not_fetched_unless_asked():
    with pytest.raises(WrongCheckpoint, match="facebook/wav2vec2-base"):
        a_learner(tiny("wav2vec2", {"encoder": "base"}))


@pytest.mark.parametrize("name", ["wav2vec2", "enhanced", "mmer"])
def test_a_pretrained_encoder_is_taken_from_its_folder(name, tmp_path):
    torch.manual_seed(5)
    theirs = Wav2Vec2Model(narrow().for_transformers())
    theirs.save_pretrained(tmp_path / "sound")
    words = {"text_encoder": str(a_folder_of_roberta(tmp_path / "words"))} if name == "mmer" else {}
    learner = a_learner(tiny(name, {"encoder": str(tmp_path / "sound"), **words}))
    start(learner.net, learner.config.net)
    branch = learner.net if name == "wav2vec2" else learner.net.voice
    ours = (branch if name == "mmer" else branch.encoder).model.state_dict()
    assert all(torch.equal(ours[key], value) for key, value in theirs.state_dict().items() if key in ours)
    learner(learner.prepared(a_batch(learner.config, four()))).backward()


def test_a_late_fusion_takes_the_published_voice_with_its_head_and_without_its_tanh(tmp_path):
    folder, _ = the_ravdess_checkpoint(tmp_path / "voice")
    learner = a_learner(tiny("late-1", {"encoder": str(folder), "encoder_head": "published"}))
    start(learner.net, learner.config.net)
    published = Wav2Vec2Voice.from_pretrained(folder, "published", local_files_only=True)
    assert torch.equal(learner.net.voice.classifier.weight, published.classifier.weight)
    assert published.config.tanh
    assert not learner.net.voice.config.tanh


@pytest.mark.parametrize("name", ["efficientface", "lt"])
def test_a_net_can_be_made_at_any_width(name):
    with torch.device("meta"):
        for hundredths in range(5, 101, 5):
            build(NetConfig(name=name, width=hundredths / 100))
