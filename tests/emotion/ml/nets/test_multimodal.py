import pytest
import torch

from emotion.ml.errors import WrongCheckpoint
from emotion.ml.nets.cross_fusion import CrossFusionConfig, IntermediateAttention
from emotion.ml.nets.multimodal import MultimodalConfig, MultimodalNet
from emotion.ml.nets.voice import VoiceConfig
from emotion.ml.nets.wav2vec2 import EncoderConfig, Wav2Vec2VoiceConfig
from tests.emotion.ml.nets.known import (
    NARROW,
    SCALES,
    SIDE,
    check_alone_as_in_a_batch,
    lively,
    parameters,
    starved,
    wave,
    weights_like,
)

NARROW_VOICE = VoiceConfig(widths=(8, 16, 16, 16))
NARROW_ENCODER = EncoderConfig(
    width=16, layers=2, heads=2, inner=32, convolutions=(8, 8), kernels=(20, 16), strides=(20, 16)
)
EVERY = [(fusion, heads) for fusion in ("lt", "it", "ia") for heads in (1, 4)]

# Names and shapes of the published weights between the two branches (2439fb7), in their order.
BLOCK = {
    "norm1_q.weight": "q", "norm1_q.bias": "q", "norm1_k.weight": "k", "norm1_k.bias": "k",
    "attn.q.weight": "oq", "attn.kv.weight": "2ok", "attn.proj.weight": "oo", "attn.proj.bias": "o",
    "norm2.weight": "o", "norm2.bias": "o",
    "mlp.fc1.weight": "2oo", "mlp.fc1.bias": "2o", "mlp.fc2.weight": "o2o", "mlp.fc2.bias": "o",
}  # fmt: skip
MAPS = {"q.weight": "oq", "kv.weight": "2ok", "proj.weight": "oo", "proj.bias": "o"}

# What that code answers to 3 faces and 40 steps of voice, run once in double precision on the weights of `known`.
PUBLISHED_LOGITS = {
    ("lt", 1): [0.9643258, -5.3059017, 0.0019302, 5.3177160, -0.9734295, -5.1504127, 1.9167361, 4.8085928],
    ("lt", 4): [0.9539530, -5.3073471, 0.0125611, 5.3172628, -0.9839795, -5.1480753, 1.9268686, 4.8044458],
    ("it", 1): [-1.3028702, -1.1186324, 1.5212935, 0.8590930, -1.6964971, -0.5626524, 1.8204449, 0.2380297],
    ("it", 4): [-1.3032759, -1.1201523, 1.5219707, 0.8604921, -1.6974242, -0.5638858, 1.8215922, 0.2390583],
    ("ia", 1): [1.4902277, -2.0433238, -1.1310948, 2.2688973, 0.7256032, -2.4219807, -0.2867175, 2.4950499],
    ("ia", 4): [7.6764770, -3.6617659, -7.0282957, 4.9405602, 6.1456538, -6.0616469, -5.0567356, 6.9866258],
}


def published_shapes(fusion):
    """A state dict of the published net, of zeros."""
    net = MultimodalNet(MultimodalConfig(fusion=fusion))
    state = {f"audio_model.{name}": value for name, value in net.voice.state_dict().items()}
    state |= {f"visual_model.{name}": value for name, value in net.face.state_dict().items()}
    face = 128 if fusion == "lt" else 64
    for part, asker, answerer, out in (("av", 128, face, 128), ("va", face, 128, face)):
        sizes = {"q": (asker,), "k": (answerer,), "o": (out,), "oq": (out, asker), "2ok": (2 * out, answerer)}
        sizes |= {"oo": (out, out), "2oo": (2 * out, out), "o2o": (out, 2 * out), "2o": (2 * out,)}
        where = part if fusion == "lt" else f"{part}1"
        names = MAPS if fusion == "ia" else BLOCK
        state |= {f"{where}.{name}": torch.zeros(sizes[kind]) for name, kind in names.items()}
    return state | {"classifier_1.0.weight": torch.zeros(8, 256), "classifier_1.0.bias": torch.zeros(8)}


def a_net(fusion, heads=1, over="mean"):
    torch.manual_seed(0)
    cross = CrossFusionConfig(heads=heads, over=over)
    return MultimodalNet(MultimodalConfig(fusion=fusion, cross=cross, face=NARROW, voice=NARROW_VOICE))


def an_enhanced_net(dropout=0.0):
    torch.manual_seed(0)
    encoder = EncoderConfig(**{**vars(NARROW_ENCODER), "dropout": dropout})
    voice = Wav2Vec2VoiceConfig(encoder=encoder, projection=NARROW.late)
    return MultimodalNet(MultimodalConfig(fusion="lt", face=NARROW, voice=voice))


def some_clips(clips=3, frames=4, steps=30):
    torch.manual_seed(1)
    faces = torch.rand(clips, frames, 3, SIDE, SIDE) * SCALES[:clips].view(-1, 1, 1, 1, 1)
    return faces, torch.randn(clips, 10, steps) * SCALES[:clips].view(-1, 1, 1)


@pytest.mark.parametrize(("fusion", "count"), [("lt", 2_045_550), ("it", 1_938_414), ("ia", 1_854_766)])
@pytest.mark.parametrize("heads", [1, 4])
def test_they_have_the_published_number_of_parameters(fusion, count, heads):
    with torch.device("meta"):
        net = MultimodalNet(MultimodalConfig(fusion=fusion, cross=CrossFusionConfig(heads=heads)))
    assert parameters(net) == count


@pytest.mark.parametrize(("fusion", "heads"), EVERY)
def test_published_weights_give_the_published_logits(fusion, heads):
    net = MultimodalNet(MultimodalConfig(fusion=fusion, cross=CrossFusionConfig(heads=heads, over="sum"))).eval()
    net.load_published({f"module.{name}": value for name, value in weights_like(published_shapes(fusion)).items()})
    with torch.no_grad():
        logits = net.double()(wave(1, 3, 3, 224, 224, step=0.0137), wave(1, 10, 40, step=0.231))
    wanted = torch.tensor([PUBLISHED_LOGITS[fusion, heads]], dtype=torch.float64)
    torch.testing.assert_close(logits, wanted, rtol=1e-6, atol=1e-6)


def test_published_weights_of_another_fusion_are_refused():
    with pytest.raises(WrongCheckpoint):
        MultimodalNet(MultimodalConfig(fusion="it")).load_published(published_shapes("ia"))


@pytest.mark.parametrize(("fusion", "heads"), EVERY)
def test_gradients_reach_both_channels_and_every_weight_that_may_learn(fusion, heads):
    net, (faces, voice) = a_net(fusion, heads), some_clips()
    net(faces.requires_grad_(), voice.requires_grad_()).pow(2).sum().backward()
    assert starved(net) == []
    assert (faces.grad.flatten(2).abs().amax(dim=2) > 0).all()
    assert (voice.grad.abs().amax(dim=1) > 0).all()


def test_what_rests_is_the_branches_own_classifiers_and_what_attention_maps_do_not_need():
    still = {name for name, weight in a_net("ia").named_parameters() if not weight.requires_grad}
    asking = [f"fusion.{way}_asks_{other}" for way, other in (("voice", "face"), ("face", "voice"))]
    maps = {f"{way}.{kind}" for way in asking for kind in ("value.weight", "out.weight", "out.bias")}
    heads = {f"{branch}.classifier_1.0.{kind}" for branch in ("face", "voice") for kind in ("weight", "bias")}
    assert still == maps | heads
    assert {name for name, weight in a_net("it").named_parameters() if not weight.requires_grad} == heads


def test_the_resting_weights_of_the_published_attention_are_37056():
    net = IntermediateAttention(64, 128, CrossFusionConfig())
    assert sum(weight.numel() for weight in net.parameters() if not weight.requires_grad) == 37_056


@pytest.mark.parametrize("over", ["mean", "sum"])
@pytest.mark.parametrize(("fusion", "heads"), EVERY)
def test_a_clip_alone_reads_as_it_does_in_a_batch(fusion, heads, over):
    check_alone_as_in_a_batch(lively(a_net(fusion, heads, over)), *some_clips())


@pytest.mark.parametrize("fusion", ["lt", "it", "ia"])
@pytest.mark.parametrize(("frames", "steps"), [(1, 13), (7, 60), (20, 25)])
def test_any_number_of_frames_and_steps_gives_eight_logits(fusion, frames, steps):
    with torch.no_grad():
        assert a_net(fusion).eval()(*some_clips(2, frames, steps)).shape == (2, 8)


@pytest.mark.parametrize("heads", [1, 4])
def test_attention_averaged_over_queries_does_not_depend_on_how_long_either_channel_is(heads):
    torch.manual_seed(0)
    fusion = IntermediateAttention(8, 16, CrossFusionConfig(heads=heads)).eval()
    face, voice = torch.randn(2, 5, 8), torch.randn(2, 12, 16)
    with torch.no_grad():
        seen, told = fusion(face, voice)
        twice_seen, thrice_told = fusion(face.repeat_interleave(2, dim=1), voice.repeat_interleave(3, dim=1))
    torch.testing.assert_close(twice_seen[:, ::2], seen)
    torch.testing.assert_close(thrice_told[:, ::3], told)


def test_the_published_sum_scales_a_channel_by_how_much_longer_the_other_is():
    torch.manual_seed(0)
    face, voice = torch.randn(1, 15, 8), torch.randn(1, 150, 16)
    summed, meant = (IntermediateAttention(8, 16, CrossFusionConfig(over=over)).eval() for over in ("sum", "mean"))
    summed.load_state_dict(meant.state_dict())
    with torch.no_grad():
        for ours, theirs, scale in zip(meant(face, voice), summed(face, voice), (10, 0.1), strict=True):
            torch.testing.assert_close(theirs, ours * scale)


def test_even_attention_leaves_both_channels_as_they_are():
    fusion = IntermediateAttention(8, 16, CrossFusionConfig())
    for asking in (fusion.voice_asks_face, fusion.face_asks_voice):
        torch.nn.init.zeros_(asking.query.weight)
    face, voice = torch.randn(2, 5, 8), torch.randn(2, 12, 16)
    for before, after in zip((face, voice), fusion(face, voice), strict=True):
        torch.testing.assert_close(after, before)


def test_the_enhanced_model_takes_sound_and_trains_everywhere_but_its_resting_classifiers():
    net = an_enhanced_net()
    faces, sound = some_clips()[0], torch.randn(3, 6400, requires_grad=True)
    net(faces.requires_grad_(), sound).pow(2).sum().backward()
    assert starved(net) == []
    assert faces.grad.flatten(1).any(dim=1).all()
    assert sound.grad.any(dim=1).all()


def test_the_enhanced_model_reads_a_padded_clip_as_it_reads_it_alone():
    net, (faces, _) = lively(an_enhanced_net()), some_clips()
    lengths = torch.tensor([6400, 4000, 5120])
    sound = torch.randn(3, 6400) * (torch.arange(6400) < lengths[:, None])
    with torch.no_grad():
        together = net(faces, sound, lengths)
        for clip, length in enumerate(lengths.tolist()):
            alone = net(faces[clip : clip + 1], sound[clip : clip + 1, :length])
            torch.testing.assert_close(alone, together[clip : clip + 1], rtol=1e-4, atol=1e-4)
    assert not torch.allclose(together[0], together[1], rtol=1e-2, atol=1e-2)


def test_wav2vec2_meets_the_face_late_and_at_its_width():
    voice = Wav2Vec2VoiceConfig(projection=128)
    assert MultimodalConfig.enhanced(voice).fusion == "lt"
    with pytest.raises(ValueError, match="late transformer"):
        MultimodalConfig(fusion="ia", voice=voice)
    with pytest.raises(ValueError, match="project the voice to 128"):
        MultimodalConfig(voice=Wav2Vec2VoiceConfig(projection=256))
