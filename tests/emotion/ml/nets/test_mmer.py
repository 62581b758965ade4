import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast, RobertaConfig, RobertaModel

from emotion.ml.errors import WrongCheckpoint
from emotion.ml.nets.mmer import LETTERS, MMER, NO_LETTER, MMERConfig, RobertaWords, spell
from emotion.ml.nets.wav2vec2 import EncoderConfig
from emotion.ml.training.losses import mmer_loss
from tests.emotion.ml.nets.known import lively, parameters, starved

ENCODER = EncoderConfig(
    width=16, layers=1, heads=2, inner=32, convolutions=(8, 8), kernels=(20, 16), strides=(20, 16), dropout=0.0
)
TEXTS = ["I am not afraid", "yes", ""]


def a_net():
    torch.manual_seed(0)
    return MMER(MMERConfig(encoder=ENCODER, heads=2, inner=32, dropout=0.0))


def some_clips():
    torch.manual_seed(1)
    said = torch.tensor([[True] * 6, [True] * 2 + [False] * 4, [True] * 4 + [False] * 2])
    lengths = torch.tensor([6400, 3300, 4800])
    sound = torch.randn(3, 6400) * (torch.arange(6400) < lengths[:, None])
    return torch.randn(3, 6, 16) * said[..., None], sound, said, lengths


def a_folder_of_roberta(folder):
    words = {word: place for place, word in enumerate(["<s>", "<pad>", "</s>", "<unk>", "yes", "I", "am", "not"])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    special = {"bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    torch.manual_seed(2)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    RobertaModel(RobertaConfig(vocab_size=len(words), **sizes), add_pooling_layer=False).save_pretrained(folder)
    return folder


def test_it_has_the_published_129_8_million_parameters():
    """94.4 in wav2vec2, 31.9 between the modalities, 3.5 in the two views; four classes, 32 letters."""
    with torch.device("meta"):
        net = MMER(MMERConfig(classes=4))
    assert parameters(net) == 129_837_220
    assert parameters(net.original_view) + parameters(net.altered_view) == 3_542_016
    assert parameters(net) - parameters(net.voice) - 3_542_016 == 31_924_260


def test_roberta_base_has_124_million_parameters():
    with torch.device("meta"):
        assert parameters(RobertaWords.base()) == 124_055_040


def test_its_parts_have_the_shapes_that_training_needs():
    understood = a_net().eval().understand(*some_clips())
    assert understood.logits.shape == (3, 8)
    assert understood.joint.shape == (3, 32)
    assert understood.spelling.shape == (3, 20, len(LETTERS))
    assert understood.heard.sum(dim=1).tolist() == [20, 10, 15]


def test_gradients_of_the_whole_loss_reach_words_sound_and_every_weight():
    net, (words, sound, said, lengths) = a_net().train(), some_clips()
    original = net.understand(words.requires_grad_(), sound.requires_grad_(), said, lengths)
    altered = net.understand(words.detach() + torch.randn(3, 6, 16), torch.randn(3, 6400), said)
    labels = torch.tensor([1, 1, 2])
    mmer_loss(net, original, altered, labels, spell(TEXTS)).total.backward()
    assert starved(net) == []
    assert words.grad.flatten(1).any(dim=1).all()
    assert sound.grad.any(dim=1).all()
    assert not words.grad[~said].any()


def test_a_clip_reads_the_same_alone_and_padded_in_a_batch():
    net, (words, sound, said, lengths) = lively(a_net()), some_clips()
    with torch.no_grad():
        together = net(words, sound, said, lengths)
        for clip, (tokens, length) in enumerate(zip(said.sum(dim=1).tolist(), lengths.tolist(), strict=True)):
            alone = net(words[clip : clip + 1, :tokens], sound[clip : clip + 1, :length])
            torch.testing.assert_close(alone, together[clip : clip + 1], rtol=1e-4, atol=1e-4)
    assert not torch.allclose(together[0], together[1], rtol=1e-2, atol=1e-2)


def test_the_gate_opens_and_shuts_how_the_words_sounded():
    net, (words, sound, said, _) = a_net().eval(), some_clips()
    other = torch.randn(3, 6400)
    torch.nn.init.zeros_(net.gate.weight)
    # Only what reaches the gate is left of the sound: neither the pooled sound nor the words' answer.
    torch.nn.init.zeros_(net.words_ask_answer.attention.out.weight)
    net.classifier.weight.data[:, :16] = 0
    with torch.no_grad():
        torch.nn.init.constant_(net.gate.bias, -30)
        torch.testing.assert_close(net(words, sound, said), net(words, other, said))
        torch.nn.init.constant_(net.gate.bias, 30)
        assert not torch.allclose(net(words, sound, said), net(words, other, said), atol=1e-4)


def test_wav2vec2s_convolutions_rest_as_published():
    still = {name for name, weight in a_net().named_parameters() if not weight.requires_grad}
    assert still
    assert all(name.startswith("voice.model.feature_extractor.") for name in still)


def test_texts_are_spelt_in_wav2vec2s_alphabet():
    assert len(LETTERS) == 32
    spelt = spell(["I'm  here", "", "Ça va?"])
    words = ["".join(LETTERS[place] for place in row if place != NO_LETTER) for row in spelt.tolist()]
    assert words == ["I'M|HERE", "", "A|VA"]


def test_a_transcript_becomes_roberta_vectors_even_when_nothing_was_heard(tmp_path):
    reader = RobertaWords.from_pretrained(a_folder_of_roberta(tmp_path), local_files_only=True).train()
    words, said = reader.read(TEXTS)
    assert words.shape == (3, 6, 16)
    assert said.sum(dim=1).tolist() == [6, 3, 2]
    torch.testing.assert_close(reader.read(["yes"])[0][0], words[1, :3], rtol=1e-4, atol=1e-5)
    assert torch.equal(reader.read(TEXTS)[0], words)
    assert not any(weight.requires_grad for weight in reader.parameters())
    with torch.no_grad():
        assert a_net().eval()(words, torch.randn(3, 6400), said).isfinite().all()


def test_a_folder_without_roberta_is_refused(tmp_path):
    with pytest.raises(WrongCheckpoint, match="neither a folder of RoBERTa"):
        RobertaWords.from_pretrained(tmp_path, local_files_only=True)
