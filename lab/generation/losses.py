"""The losses that discriminator and generator minimise, computed from logits [B].

D(x) = sigmoid(logit), so that log D(x) = -softplus(-logit) and log(1 - D(x)) = -softplus(logit).
These are exact even where the sigmoid has rounded to 0 or 1.
"""

from collections.abc import Callable
from typing import Annotated, Protocol

import torch
from pydantic import Field, validate_call
from torch import Tensor
from torch.nn.functional import relu, softplus

from lab.config import Count, NotNegative

Discriminator = Callable[[Tensor], Tensor]
"""A function from images [B, C, H, W] to logits [B]: a discriminator, with its classes if any."""


class Loss(Protocol):
    """A game: two losses, scalars, that the players minimise.

    Three attributes are optional. If `is_cross_entropy` is true, the sigmoid of a logit is the
    probability that an image is real, and figures show it. If `is_paired` is true, the loss
    compares each real image with a generated one, and `generator` gets the logits [B] for real
    images as a second argument. If there is a method `penalty(discriminator, real, fake)`, its
    value is added to the discriminator's loss every `penalty_every` steps.
    """

    def discriminator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """The discriminator's loss, from its logits [B] for real and for generated images."""

    def generator(self, fake_logits: Tensor) -> Tensor:
        """The generator's loss, from the discriminator's logits [B] for its images."""


@torch.no_grad()
def undecided(loss: Loss) -> float:
    """The loss of a discriminator that cannot decide: its logit is 0 for every image."""
    return float(loss.discriminator(torch.zeros(1), torch.zeros(1)))


@torch.no_grad()
def has_threshold(loss: Loss) -> bool:
    """Whether a logit of 0 separates real from generated images.

    It does not if the discriminator's loss stays the same when a constant is added to every logit,
    as for `Wasserstein` and `Relativistic`. Then the sign and the sigmoid of a logit mean nothing.
    """
    real, fake = torch.tensor([0.5, -1.0]), torch.tensor([-0.25, 2.0])
    with torch.random.fork_rng(devices=[]):  # a user's loss may draw random numbers
        first, second = (loss.discriminator(real + c, fake + c) for c in (0.0, 3.0))
    return not torch.allclose(first, second, atol=1e-6)


class Minimax(Loss):
    """The original game: min over G, max over D of E[log D(x)] + E[log(1 - D(G(z)))].

    Goodfellow et al. 2014, "Generative Adversarial Nets", equation 1. The generator's gradient
    vanishes when the discriminator is sure. The discriminator's loss is the mean of the losses on
    real and on generated images, which is log 2 if it cannot decide.
    """

    is_cross_entropy = True

    def discriminator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        return 0.5 * (softplus(-real_logits).mean() + softplus(fake_logits).mean())

    def generator(self, fake_logits: Tensor) -> Tensor:
        return -softplus(fake_logits).mean()


class NonSaturating(Loss):
    """The discriminator of `Minimax`, and a generator that minimises -E[log D(G(z))].

    Goodfellow et al. 2014, end of section 3: the same fixed point, but a strong gradient while
    the discriminator is sure.

    Args:
        real_target: the target of D(x) for real images. Below 1 this is the one-sided label
            smoothing of Salimans et al. 2016, "Improved Techniques for Training GANs", section 3.4.
    """

    is_cross_entropy = True

    @validate_call
    def __init__(self, real_target: Annotated[float, Field(gt=0.5, le=1)] = 1.0) -> None:
        self.real_target = real_target

    def discriminator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        real = self.real_target * softplus(-real_logits)
        if self.real_target < 1:
            real = real + (1 - self.real_target) * softplus(real_logits)
        return 0.5 * (real.mean() + softplus(fake_logits).mean())

    def generator(self, fake_logits: Tensor) -> Tensor:
        return softplus(-fake_logits).mean()


class Hinge(Loss):
    """The discriminator wants margins of 1; the generator maximises the mean logit of its images.

    Lim & Ye 2017, "Geometric GAN", section 3; Miyato et al. 2018, "Spectral Normalization for
    Generative Adversarial Networks", equations 16 and 17.
    """

    def discriminator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        return relu(1 - real_logits).mean() + relu(1 + fake_logits).mean()

    def generator(self, fake_logits: Tensor) -> Tensor:
        return -fake_logits.mean()


class Wasserstein(Loss):
    """The difference of the mean logits, for a discriminator that is 1-Lipschitz.

    Arjovsky et al. 2017, "Wasserstein GAN", equation 2. `gradient_penalty` makes it so.
    """

    def discriminator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        return fake_logits.mean() - real_logits.mean()

    def generator(self, fake_logits: Tensor) -> Tensor:
        return -fake_logits.mean()


class Relativistic(Loss):
    """R3GAN: compares each real image with a generated one and penalises D's gradient at both.

    Huang et al. 2024, "The GAN is dead; long live the GAN! A Modern Baseline GAN", section 2, with
    the pairing of Jolicoeur-Martineau 2019, "The relativistic discriminator": D minimises
    E[softplus(D(G(z)) - D(x))] and G minimises E[softplus(D(x) - D(G(z)))]. The loss of a D that
    cannot decide is log 2.

    Args:
        r1: the weight of E[|grad D(x)|^2] / 2 at real images (Mescheder et al. 2018, equation 9).
        r2: the weight of the same at generated images.
        penalty_every: the number of steps between two penalties. A penalty is multiplied by it, so
            that the sum over training stays the same (Karras et al. 2020, "Analyzing and Improving
            the Image Quality of StyleGAN", section 3.1).
    """

    is_paired = True

    @validate_call
    def __init__(
        self, r1: NotNegative = 0.0, r2: NotNegative = 0.0, penalty_every: Count = 1
    ) -> None:
        self.r1, self.r2, self.penalty_every = r1, r2, penalty_every

    def discriminator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        return softplus(fake_logits - real_logits).mean()

    def generator(self, fake_logits: Tensor, real_logits: Tensor) -> Tensor:  # type: ignore[override]
        return softplus(real_logits - fake_logits).mean()

    def penalty(self, discriminator: Discriminator, real: Tensor, fake: Tensor) -> Tensor:
        """The penalty, a scalar: `penalty_every` times r1 / 2 and r2 / 2 of the squared gradients.

        Args:
            discriminator: called with real and generated images as one batch [2B, C, H, W]. The
                logit of an image must depend on that image alone (no BatchNorm).
            real, fake: [B, C, H, W]; no gradient flows into either.
        """
        images = torch.cat([real, fake]).detach().requires_grad_()
        (gradient,) = torch.autograd.grad(discriminator(images).sum(), images, create_graph=True)
        at_real, at_fake = gradient.flatten(1).square().sum(1).chunk(2)  # [B] each
        return self.penalty_every / 2 * (self.r1 * at_real.mean() + self.r2 * at_fake.mean())


def gradient_penalty(discriminator: Discriminator, real: Tensor, fake: Tensor) -> Tensor:
    """The gradient penalty E[(|grad D(x)| - 1)^2], a scalar.

    Gulrajani et al. 2017, "Improved Training of Wasserstein GANs", equation 3 and section 4,
    without the factor lambda (10 there). Here x = e real + (1 - e) fake, with e uniform in [0, 1]
    for each pair. torch's global random stream draws e.

    Args:
        discriminator: the logit of an image must depend on that image alone (no BatchNorm).
        real, fake: [B, C, H, W]; no gradient flows into either.
    """
    share = torch.rand(len(real), 1, 1, 1, device=real.device, dtype=real.dtype)
    between = torch.lerp(fake.detach(), real.detach(), share).requires_grad_()  # [B, C, H, W]
    (gradient,) = torch.autograd.grad(discriminator(between).sum(), between, create_graph=True)
    norm = torch.linalg.vector_norm(gradient.flatten(1), dim=1)  # [B]
    return (norm - 1).square().mean()
