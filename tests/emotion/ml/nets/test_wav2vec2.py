import pytest
import torch
from safetensors.torch import save_file
from transformers import Wav2Vec2Config, Wav2Vec2ForPreTraining, Wav2Vec2ForSequenceClassification, Wav2Vec2Model

from emotion.ml.errors import WrongCheckpoint
from emotion.ml.labels import LABELS
from emotion.ml.nets.wav2vec2 import (
    EncoderConfig,
    Wav2Vec2Encoder,
    Wav2Vec2Voice,
    Wav2Vec2VoiceConfig,
    to_unit_level,
)
from tests.emotion.ml.nets.known import parameters, starved

# The order of ehcalabres/wav2vec2-lg-xlsr-en-speech-emotion-recognition.
RAVDESS_ORDER = ("angry", "calm", "disgust", "fearful", "happy", "neutral", "sad", "surprised")


def narrow(large=False):
    return EncoderConfig(
        width=16, layers=2, heads=2, inner=32, large=large, convolutions=(8, 8), kernels=(20, 16), strides=(20, 16)
    )


def a_voice(large=False, **config):
    torch.manual_seed(0)
    encoder = EncoderConfig(**{**vars(narrow(large)), "dropout": 0.0})
    return Wav2Vec2Voice(Wav2Vec2VoiceConfig(encoder=encoder, projection=12, **config))


def a_settings(large=False, **more):
    config = narrow(large).for_transformers()
    config.update({"classifier_proj_size": 12, "vocab_size": 5, "codevector_dim": 4, "proj_codevector_dim": 4, **more})
    return config


def the_ravdess_checkpoint(folder, without=(), names=RAVDESS_ORDER, old_names=False):
    """Laid out as the published one: its head is called classifier.dense and classifier.output."""
    torch.manual_seed(3)
    settings = a_settings(large=True, id2label=dict(enumerate(names)), label2id={})
    state = {f"wav2vec2.{name}": value for name, value in Wav2Vec2Model(settings).state_dict().items()}
    head = torch.nn.ModuleDict({"dense": torch.nn.Linear(16, 16), "output": torch.nn.Linear(16, len(names))})
    state |= {f"classifier.{name}": value for name, value in head.state_dict().items()}
    state["wav2vec2.masked_spec_embed"] = torch.zeros(16)
    if old_names:
        for new, old in (("original0", "weight_g"), ("original1", "weight_v")):
            stem = "wav2vec2.encoder.pos_conv_embed.conv"
            state[f"{stem}.{old}"] = state.pop(f"{stem}.parametrizations.weight.{new}")
    folder.mkdir(exist_ok=True)
    settings.save_pretrained(folder)
    kept = {name: value.contiguous() for name, value in state.items() if name not in without}
    if old_names:
        torch.save(kept, folder / "pytorch_model.bin")
    else:
        save_file(kept, folder / "model.safetensors")
    return folder, state


def padded(lengths):
    torch.manual_seed(1)
    loud = torch.tensor([0.1, 1.0, 0.5])[: len(lengths), None]
    sound = torch.randn(len(lengths), int(lengths.max())) * loud + 0.05
    return sound * (torch.arange(sound.shape[1]) < lengths[:, None])


@pytest.mark.parametrize(
    ("encoder", "count"), [(EncoderConfig(), 94_370_944), (EncoderConfig.xlsr(), 315_437_696)], ids=["base", "xlsr"]
)
def test_the_encoders_have_the_published_sizes(encoder, count):
    """94.4 and 315.4 million, less the vector for masked time (768 and 1,024), which is for pretraining only."""
    with torch.device("meta"):
        assert parameters(Wav2Vec2Encoder(encoder)) == count


@pytest.mark.parametrize("large", [False, True])
def test_the_encoder_gives_what_transformers_gives(large):
    encoder = Wav2Vec2Encoder(narrow(large)).eval()
    sound = torch.randn(2, 4000)
    with torch.no_grad():
        found, heard = encoder(sound)
        wanted = encoder.model(to_unit_level(sound)).last_hidden_state
    assert heard is None
    torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("large", [False, True])
def test_a_clip_reads_the_same_alone_and_padded_in_a_batch(large):
    net, lengths = a_voice(large).eval(), torch.tensor([6400, 3300, 4807])
    sound = padded(lengths)
    with torch.no_grad():
        together = net(sound, lengths)
        steps, heard = net.steps(sound, lengths)
        for clip, length in enumerate(lengths.tolist()):
            alone = net(sound[clip : clip + 1, :length])
            torch.testing.assert_close(alone, together[clip : clip + 1], rtol=1e-4, atol=1e-5)
            own = net.steps(sound[clip : clip + 1, :length])[0]
            assert heard[clip].sum() == own.shape[1]
            torch.testing.assert_close(steps[clip : clip + 1, : own.shape[1]], own, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(together[0], together[1], atol=1e-3)


def test_level_and_offset_of_the_recording_do_not_matter():
    net, sound = a_voice().eval(), torch.randn(2, 4000)
    with torch.no_grad():
        torch.testing.assert_close(net(sound * 0.01 + 0.3), net(sound), rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("tanh", [False, True])
@pytest.mark.parametrize("large", [False, True])
def test_gradients_reach_every_sample_and_every_weight(large, tanh):
    net, sound = a_voice(large, tanh=tanh).train(), torch.randn(3, 3216, requires_grad=True)
    net(sound).pow(2).sum().backward()
    assert starved(net) == []
    assert (sound.grad != 0).float().mean() > 0.99


def test_the_ravdess_checkpoints_head_is_found_under_its_own_names_and_put_in_our_order(tmp_path):
    folder, state = the_ravdess_checkpoint(tmp_path / "ravdess")
    net = Wav2Vec2Voice.from_pretrained(folder, local_files_only=True)
    assert torch.equal(net.projector.weight, state["classifier.dense.weight"])
    for row, label in enumerate(LABELS):
        theirs = RAVDESS_ORDER.index(label)
        assert torch.equal(net.classifier.weight[row], state["classifier.output.weight"][theirs])
        assert torch.equal(net.classifier.bias[row], state["classifier.output.bias"][theirs])


def test_the_ravdess_checkpoint_answers_as_the_head_it_was_trained_with(tmp_path):
    """Mean over time, dense, tanh, output, as in github.com/m3hrdadfi/soxan, computed here from the file."""
    folder, state = the_ravdess_checkpoint(tmp_path / "ravdess")
    net, sound = Wav2Vec2Voice.from_pretrained(folder, local_files_only=True), torch.randn(2, 4000)
    with torch.no_grad():
        mean = net.encoder.model(to_unit_level(sound)).last_hidden_state.mean(dim=1)
        dense = torch.tanh(mean @ state["classifier.dense.weight"].T + state["classifier.dense.bias"])
        wanted = dense @ state["classifier.output.weight"].T + state["classifier.output.bias"]
        found = net(sound)[:, [LABELS.index(label) for label in RAVDESS_ORDER]]
    torch.testing.assert_close(found, wanted)


def test_transformers_itself_would_leave_that_head_random(tmp_path):
    folder, state = the_ravdess_checkpoint(tmp_path / "ravdess")
    theirs = Wav2Vec2ForSequenceClassification.from_pretrained(folder, local_files_only=True)
    assert theirs.classifier.weight.shape != state["classifier.output.weight"].shape


def test_an_old_checkpoint_with_older_names_gives_the_same_net(tmp_path):
    new, _ = the_ravdess_checkpoint(tmp_path / "new")
    old, _ = the_ravdess_checkpoint(tmp_path / "old", old_names=True)
    nets = [Wav2Vec2Voice.from_pretrained(folder, local_files_only=True).state_dict() for folder in (new, old)]
    assert all(torch.equal(nets[0][name], nets[1][name]) for name in nets[0])


@pytest.mark.parametrize("key", ["classifier.dense.weight", "classifier.output.bias"])
def test_a_checkpoint_without_its_head_is_refused_and_never_left_random(tmp_path, key):
    folder, _ = the_ravdess_checkpoint(tmp_path / "headless", without=(key,))
    with pytest.raises(WrongCheckpoint, match="no trained emotion head"):
        Wav2Vec2Voice.from_pretrained(folder, local_files_only=True)


def test_a_checkpoint_without_a_layer_is_refused(tmp_path):
    key = "wav2vec2.encoder.layers.1.attention.v_proj.weight"
    folder, _ = the_ravdess_checkpoint(tmp_path / "holed", without=(key,))
    with pytest.raises(WrongCheckpoint, match="v_proj"):
        Wav2Vec2Voice.from_pretrained(folder, local_files_only=True)


def test_a_head_with_other_labels_is_refused(tmp_path):
    folder, _ = the_ravdess_checkpoint(tmp_path / "four", names=("neu", "hap", "ang", "sad"))
    with pytest.raises(WrongCheckpoint, match="not the eight of RAVDESS"):
        Wav2Vec2Voice.from_pretrained(folder, local_files_only=True)


def test_a_classifier_of_transformers_own_reads_as_it_does_there(tmp_path):
    torch.manual_seed(0)
    names = ("neutral", "calm", "happiness", "sadness", "anger", "fear", "disgust", "surprise")
    theirs = Wav2Vec2ForSequenceClassification(a_settings(id2label=dict(enumerate(names)), label2id={})).eval()
    theirs.save_pretrained(tmp_path)
    ours, sound = Wav2Vec2Voice.from_pretrained(tmp_path, local_files_only=True), torch.randn(2, 4000)
    with torch.no_grad():
        torch.testing.assert_close(ours(sound), theirs(to_unit_level(sound)).logits)


def test_a_pretrained_encoder_takes_a_new_head_of_128_when_asked(tmp_path):
    torch.manual_seed(0)
    theirs = Wav2Vec2ForPreTraining(a_settings(num_codevectors_per_group=4)).eval()
    theirs.save_pretrained(tmp_path)
    with pytest.raises(WrongCheckpoint, match="no trained emotion head"):
        Wav2Vec2Voice.from_pretrained(tmp_path, local_files_only=True)
    ours = Wav2Vec2Voice.from_pretrained(tmp_path, head="new", local_files_only=True)
    assert ours.projector.weight.shape == (128, 16)
    sound = torch.randn(1, 4000)
    with torch.no_grad():
        torch.testing.assert_close(ours.encoder(sound)[0], theirs.wav2vec2(to_unit_level(sound)).last_hidden_state)


def test_an_encoder_of_the_same_size_can_be_taken_into_a_larger_net_and_no_other(tmp_path):
    theirs = Wav2Vec2Model(a_settings())
    theirs.save_pretrained(tmp_path)
    net = a_voice()
    net.encoder.load_pretrained(tmp_path, local_files_only=True)
    wanted = theirs.state_dict()
    assert all(torch.equal(value, wanted[name]) for name, value in net.encoder.model.state_dict().items())
    with pytest.raises(WrongCheckpoint, match="of another size"):
        a_voice(large=True).encoder.load_pretrained(tmp_path, local_files_only=True)


def test_what_is_no_wav2vec2_model_is_refused_in_words(tmp_path):
    with pytest.raises(WrongCheckpoint, match="nobody/no-such-model is not here"):
        Wav2Vec2Voice.from_pretrained("nobody/no-such-model", local_files_only=True)
    with pytest.raises(WrongCheckpoint, match=r"lacks config\.json"):
        Wav2Vec2Voice.from_pretrained(tmp_path, local_files_only=True)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    save_file({"x": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(WrongCheckpoint, match="not a wav2vec2"):
        Wav2Vec2Voice.from_pretrained(tmp_path, local_files_only=True)


def test_a_config_read_from_transformers_is_the_one_it_was_made_from():
    for config in (EncoderConfig(), EncoderConfig.xlsr(), narrow(True)):
        assert EncoderConfig.of(config.for_transformers()) == config
    assert EncoderConfig.of(Wav2Vec2Config()) == EncoderConfig()
