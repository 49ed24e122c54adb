"""Losses against the papers' formulas written with log and sigmoid in float64."""

import math

import pytest
import torch

from lab.generation.losses import (
    Hinge,
    Minimax,
    NonSaturating,
    Relativistic,
    Wasserstein,
    gradient_penalty,
    undecided,
)
from lab.generation.networks import ConvDiscriminator, MLPDiscriminator

RANDOM = torch.Generator().manual_seed(0)
REAL = 3 * torch.randn(64, generator=RANDOM, dtype=torch.float64)
FAKE = 3 * torch.randn(64, generator=RANDOM, dtype=torch.float64)
D_REAL, D_FAKE = torch.sigmoid(REAL), torch.sigmoid(FAKE)

# Of each loss, what the discriminator minimises and what the generator minimises.
VALUE = -(D_REAL.log().mean() + (1 - D_FAKE).log().mean()) / 2
SMOOTH = -(
    (0.9 * D_REAL.log() + 0.1 * (1 - D_REAL).log()).mean() + (1 - D_FAKE).log().mean()
) / 2  # fmt: skip
MARGINS = (1 - REAL).clamp(min=0).mean() + (1 + FAKE).clamp(min=0).mean()
CASES = [
    (Minimax(), VALUE, (1 - D_FAKE).log().mean()),
    (NonSaturating(), VALUE, -D_FAKE.log().mean()),
    (NonSaturating(real_target=0.9), SMOOTH, -D_FAKE.log().mean()),
    (Hinge(), MARGINS, -FAKE.mean()),
    (Wasserstein(), FAKE.mean() - REAL.mean(), -FAKE.mean()),
]


@pytest.mark.parametrize(("loss", "discriminator", "generator"), CASES)
def test_the_formulas_of_the_papers(loss, discriminator, generator):
    torch.testing.assert_close(loss.discriminator(REAL, FAKE), discriminator, rtol=1e-12, atol=0)
    torch.testing.assert_close(loss.generator(FAKE), generator, rtol=1e-12, atol=0)


@pytest.mark.parametrize("loss", [case[0] for case in CASES])
@pytest.mark.parametrize("size", [200.0, -200.0])
def test_sure_logits_keep_finite_losses_and_gradients(loss, size):
    # In float32 the sigmoid of 200 is 1 and its log(1 - D) is infinite.
    logits = torch.full((4,), size, requires_grad=True)
    value = loss.discriminator(logits, -logits) + loss.discriminator(-logits, logits)
    value = value + loss.generator(logits)
    value.backward()
    assert value.isfinite()
    assert logits.grad.isfinite().all()


def test_only_the_saturating_generator_starves_under_a_sure_discriminator():
    gradients = []
    for loss in (Minimax(), NonSaturating()):
        logits = torch.full((1,), -12.0, requires_grad=True)
        loss.generator(logits).backward()
        gradients.append(-logits.grad.item())
    assert gradients == pytest.approx([6.14e-6, 1.0], rel=1e-3)


@pytest.mark.parametrize("real_target", [0.5, 1.1])
def test_an_impossible_target_is_refused(real_target):
    with pytest.raises(ValueError, match="Input should be"):
        NonSaturating(real_target)


@pytest.mark.parametrize(
    "discriminator",
    [
        MLPDiscriminator([32], slope=0.5, image_shape=(1, 8, 8)),
        ConvDiscriminator(4, slope=0.5, image_shape=(1, 8, 8)),
    ],
)
def test_the_gradient_penalty_against_finite_differences(discriminator):
    discriminator.double()
    real, fake = torch.rand(2, 3, 1, 8, 8, dtype=torch.float64)
    torch.manual_seed(0)
    penalty = gradient_penalty(discriminator, real, fake)
    torch.manual_seed(0)
    share = torch.rand(3, 1, 1, 1, dtype=torch.float64)
    between = share * real + (1 - share) * fake
    moves = 1e-6 * torch.eye(64, dtype=torch.float64).view(64, 1, 8, 8)
    with torch.no_grad():
        slopes = torch.stack(
            [(discriminator(x + moves) - discriminator(x - moves)) / 2e-6 for x in between]
        )  # [3, 64]
    wanted = (slopes.square().sum(1).sqrt() - 1).square().mean()
    torch.testing.assert_close(penalty, wanted, rtol=1e-6, atol=0)
    # It is differentiable once more, in D's weights alone.
    fake.requires_grad_()
    gradient_penalty(discriminator, real, fake).backward()
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in discriminator.parameters())
    assert fake.grad is None


def test_a_discriminator_that_cannot_decide_stands_at_log_2_or_at_2():
    log_2 = pytest.approx(math.log(2))
    losses = (Minimax(), NonSaturating(), NonSaturating(real_target=0.9), Hinge(), Wasserstein())
    assert [undecided(loss) for loss in losses] == [log_2, log_2, log_2, 2.0, 0.0]
    assert undecided(Relativistic()) == log_2


def test_relativistic_pairing_is_the_papers_formula():
    loss = Relativistic()
    apart = D_REAL / (1 - D_REAL) * (1 - D_FAKE) / D_FAKE  # exp(D(x) - D(G(z)))
    wanted = (1 + 1 / apart).log().mean(), (1 + apart).log().mean()
    torch.testing.assert_close(loss.discriminator(REAL, FAKE), wanted[0], rtol=1e-12, atol=0)
    torch.testing.assert_close(loss.generator(FAKE, REAL), wanted[1], rtol=1e-12, atol=0)
    # Only differences count.
    torch.testing.assert_close(loss.discriminator(REAL + 9, FAKE + 9), wanted[0])
    assert loss.discriminator(REAL, REAL).item() == pytest.approx(0.693147, abs=1e-6)


@pytest.mark.parametrize(("r1", "r2", "every"), [(2.0, 0.0, 1), (0.0, 3.0, 1), (2.0, 3.0, 4)])
@pytest.mark.parametrize(
    "discriminator",
    [
        MLPDiscriminator([16], image_shape=(1, 8, 8)),
        ConvDiscriminator(4, spectral_norm=True, image_shape=(1, 8, 8)),
    ],
)
def test_r1_and_r2_against_autograd_image_by_image(discriminator, r1, r2, every):
    discriminator.double().eval()
    real, fake = torch.rand(2, 3, 1, 8, 8, dtype=torch.float64, generator=RANDOM)

    def slope(image):
        return torch.autograd.functional.jacobian(lambda x: discriminator(x[None])[0], image)

    means = [
        torch.stack([slope(x).square().sum() for x in images]).mean() for images in (real, fake)
    ]
    penalty = Relativistic(r1, r2, every).penalty(discriminator, real, fake)
    wanted = every * (r1 / 2 * means[0] + r2 / 2 * means[1])
    torch.testing.assert_close(penalty, wanted, rtol=1e-10, atol=0)
    # It is differentiable once more, in D's weights alone.
    fake.requires_grad_()
    Relativistic(r1, r2, every).penalty(discriminator, real, fake).backward()
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in discriminator.parameters())
    assert fake.grad is None
