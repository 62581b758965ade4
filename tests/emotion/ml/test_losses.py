import math

import pytest
import torch
from torch.nn import functional

from emotion.ml.nets.efficientface import PUBLISHED_LABELS, EfficientFace
from emotion.ml.nets.expression import ExpressionNet
from emotion.ml.nets.mmer import MMER, NO_LETTER, MMERConfig, Understood
from emotion.ml.training.losses import (
    MMERLossConfig,
    info_nce,
    mmer_loss,
    soft_label_loss,
    spelling_loss,
    supervised_contrastive,
)
from emotion.ml.training.soft_labels import NetGenerator, from_efficientface, from_expression_net
from tests.emotion.ml.nets.known import NARROW_FACE
from tests.emotion.ml.nets.test_mmer import ENCODER


def by_hand(features, labels, temperature, mean):
    """Equations 2 and 3 of Khosla et al., one sum after the other."""
    unit = [row / row.norm() for row in features]
    losses = []
    for i in range(len(unit)):
        others = [j for j in range(len(unit)) if j != i]
        alike = [j for j in others if labels[j] == labels[i]]
        if not alike:
            continue
        below = sum(math.exp(unit[i] @ unit[j] / temperature) for j in others)
        shares = [math.exp(unit[i] @ unit[j] / temperature) / below for j in alike]
        if mean == "outside":
            losses.append(-sum(map(math.log, shares)) / len(shares))
        else:
            losses.append(-math.log(sum(shares) / len(shares)))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("mean", ["outside", "inside"])
@pytest.mark.parametrize("temperature", [0.07, 1.0])
def test_supervised_contrastive_is_its_equation_in_both_forms(mean, temperature):
    torch.manual_seed(0)
    features, labels = torch.randn(7, 5, dtype=torch.float64), torch.tensor([0, 1, 0, 2, 1, 0, 3])
    found = supervised_contrastive(features, labels, temperature, mean)
    assert found.item() == pytest.approx(by_hand(features, labels, temperature, mean), rel=1e-9)


def test_by_jensen_the_mean_inside_is_never_the_larger():
    torch.manual_seed(0)
    features, labels = torch.randn(12, 5), torch.arange(12) % 3
    inside = supervised_contrastive(features, labels, mean="inside")
    assert inside < supervised_contrastive(features, labels, mean="outside")


def test_the_temperature_is_one_and_not_a_scale():
    """MMER's published code divides after the softmax: there, halving τ doubles the loss exactly."""
    torch.manual_seed(0)
    features, labels = torch.randn(8, 5), torch.arange(8) % 2
    hot, cold = (supervised_contrastive(features, labels, temperature) for temperature in (1.0, 0.5))
    assert cold.item() != pytest.approx(2 * hot.item(), rel=0.05)


@pytest.mark.parametrize("mean", ["outside", "inside"])
def test_clips_that_share_no_label_teach_nothing_and_break_nothing(mean):
    features = torch.randn(4, 5, requires_grad=True)
    alone = supervised_contrastive(features, torch.arange(4), mean=mean)
    alone.backward()
    assert alone == 0
    assert not features.grad.any()
    one_pair = supervised_contrastive(features, torch.tensor([0, 0, 1, 2]), mean=mean)
    one_pair.backward()
    assert features.grad.isfinite().all()
    assert features.grad[:2].any()
    assert supervised_contrastive(torch.randn(1, 5), torch.tensor([0]), mean=mean) == 0


@pytest.mark.parametrize("mean", ["outside", "inside"])
def test_descending_it_gathers_the_labels(mean):
    torch.manual_seed(0)
    features, labels = torch.randn(12, 4, requires_grad=True), torch.arange(12) % 3
    optimiser = torch.optim.Adam([features], lr=0.1)
    for _ in range(100):
        optimiser.zero_grad()
        supervised_contrastive(features, labels, 0.5, mean).backward()
        optimiser.step()
    near = functional.normalize(features, dim=1) @ functional.normalize(features, dim=1).T
    same = labels[:, None] == labels[None]
    assert near[same].min() > near[~same].max() + 0.5


def test_info_nce_finds_the_twin():
    torch.manual_seed(0)
    views = torch.randn(6, 32)
    assert info_nce(views, views * 3) < 0.01
    assert info_nce(views, views.roll(1, dims=0)) > 5
    assert info_nce(views[:1], torch.randn(1, 32)) == 0


def test_the_spelling_loss_is_ctc_and_padding_changes_nothing():
    torch.manual_seed(0)
    spelling, letters = torch.randn(2, 9, 5), torch.tensor([[1, 2, 2, 4], [3, 1, NO_LETTER, NO_LETTER]])
    heard = torch.arange(9)[None] < torch.tensor([[9], [6]])
    each = [
        functional.ctc_loss(spelling[0].log_softmax(1)[:, None], letters[:1], (9,), (4,), reduction="sum"),
        functional.ctc_loss(spelling[1, :6].log_softmax(1)[:, None], letters[1:, :2], (6,), (2,), reduction="sum"),
    ]
    torch.testing.assert_close(spelling_loss(spelling, letters, heard), sum(each))
    more = torch.cat([spelling, torch.randn(2, 3, 5)], dim=1)
    padded = torch.cat([heard, torch.zeros(2, 3, dtype=torch.bool)], dim=1)
    torch.testing.assert_close(spelling_loss(more, letters, padded), sum(each))


def test_clips_without_letters_are_left_out_of_the_spelling_loss():
    torch.manual_seed(0)
    spelling = torch.randn(2, 9, 5, requires_grad=True)
    letters = torch.tensor([[1, 2, 4], [NO_LETTER] * 3])
    torch.testing.assert_close(spelling_loss(spelling, letters), spelling_loss(spelling[:1], letters[:1]))
    none = spelling_loss(spelling, torch.full((2, 0), NO_LETTER))
    none.backward()
    assert none == 0


def test_a_text_too_long_for_its_sound_does_not_make_the_loss_infinite():
    assert spelling_loss(torch.randn(1, 3, 5), torch.tensor([[1, 2, 3, 4, 1, 2]])).isfinite()


def test_mmers_loss_is_cross_entropy_and_lambda_times_the_three():
    torch.manual_seed(0)
    net = MMER(MMERConfig(encoder=ENCODER, heads=2, inner=32))
    original, altered = (
        Understood(torch.randn(4, 8), torch.randn(4, 32), torch.randn(4, 9, 32), None) for _ in range(2)
    )
    labels, letters = torch.tensor([0, 0, 1, 2]), torch.tensor([[5, 6]] * 4)
    loss = mmer_loss(net, original, altered, labels, letters, MMERLossConfig(weight=0.1))
    torch.testing.assert_close(loss.label, functional.cross_entropy(original.logits, labels))
    torch.testing.assert_close(loss.spelling, spelling_loss(original.spelling, letters))
    views = net.original_view(original.joint), net.altered_view(altered.joint)
    torch.testing.assert_close(loss.twin, info_nce(*views))
    torch.testing.assert_close(loss.contrast, supervised_contrastive(views[0], labels))
    torch.testing.assert_close(loss.total, loss.label + 0.1 * (loss.spelling + loss.twin + loss.contrast))
    assert mmer_loss(net, original, None, labels, letters).twin == 0


def test_soft_labels_of_one_certain_class_are_plain_cross_entropy():
    torch.manual_seed(0)
    logits, labels = torch.randn(5, 7), torch.tensor([0, 3, 6, 2, 2])
    certain = functional.one_hot(labels, 7).float()
    torch.testing.assert_close(soft_label_loss(logits, certain), functional.cross_entropy(logits, labels))


def test_the_published_soft_label_loss_is_a_seventh():
    logits, soft = torch.randn(5, 7), torch.randn(5, 7).softmax(dim=1)
    torch.testing.assert_close(soft_label_loss(logits, soft, "faces and classes") * 7, soft_label_loss(logits, soft))


def test_the_shipped_expression_net_is_a_generator_in_the_learners_order():
    torch.manual_seed(0)
    net, faces = ExpressionNet(), torch.rand(3, 3, 112, 112)
    soft = from_expression_net(net)(faces)
    logits = net.eval()(faces * 255)
    torch.testing.assert_close(soft.sum(dim=1), torch.ones(3))
    # The expression net has neutral, happy, sad, angry, …; the learner neutral, happy, sad, surprised, fearful, ….
    torch.testing.assert_close(soft, logits.softmax(dim=1)[:, [0, 1, 2, 6, 4, 5, 3]])
    assert not soft.requires_grad


def test_a_generator_takes_faces_of_any_size_and_gives_0_to_what_it_cannot_name():
    torch.manual_seed(0)
    soft = from_expression_net(ExpressionNet(), wanted=("calm", "angry", "happy"))(torch.rand(2, 3, 64, 64))
    assert not soft[:, 0].any()
    torch.testing.assert_close(soft.sum(dim=1), torch.ones(2))
    assert from_efficientface(EfficientFace(NARROW_FACE))(torch.rand(2, 3, 40, 40)).shape == (2, 7)
    with pytest.raises(ValueError, match="share no label"):
        NetGenerator(EfficientFace(NARROW_FACE), PUBLISHED_LABELS, ("calm",), side=32)


def test_a_learner_comes_to_agree_with_its_generator():
    torch.manual_seed(0)
    faces = torch.rand(4, 3, 32, 32)
    teacher = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 32 * 32, 7))
    soft = NetGenerator(teacher, PUBLISHED_LABELS, PUBLISHED_LABELS, side=32, scale=30.0)(faces)
    assert len(soft.argmax(dim=1).unique()) > 1
    student = EfficientFace(NARROW_FACE)
    optimiser = torch.optim.AdamW(student.parameters(), lr=1e-2)
    for _ in range(40):
        optimiser.zero_grad()
        loss = soft_label_loss(student(faces), soft)
        loss.backward()
        optimiser.step()
    assert torch.equal(student(faces).argmax(dim=1), soft.argmax(dim=1))
    entropy = -(soft * soft.clamp_min(1e-9).log()).sum(dim=1).mean()
    assert loss < entropy + 0.1
