"""One step of the game: min over G, max over D of E[log D(x)] + E[log(1 - D(G(z)))].

D gives logits: D(x) = sigmoid(logit). `torch.nn.functional.softplus` is log(1 + exp(.)), so that
log D(x) = -softplus(-logit) and log(1 - D(x)) = -softplus(logit).
"""

from torch import Tensor, nn
from torch.optim import Optimizer


def discriminator_step(
    d: nn.Module, g: nn.Module, optimizer: Optimizer, real: Tensor, z: Tensor
) -> float:
    """Take one step of the discriminator's optimizer; the generator must not change.

    Args:
        d: images [B, ...] to logits [B].
        g: latent vectors z [B, L] to images [B, ...].
        optimizer: of the parameters of d.
        real: real images.
        z: latent vectors, as many as there are real images.

    Returns:
        The loss: the mean of -log D(x) over the real images plus the mean of -log(1 - D(G(z))).
    """
    # TODO: compute the loss, its gradient and the step. No gradient may reach g.
    raise NotImplementedError("fill in gan_step.py")


def generator_step(d: nn.Module, g: nn.Module, optimizer: Optimizer, z: Tensor) -> float:
    """Take one step of the generator's optimizer; the discriminator must not change.

    Returns:
        The non-saturating loss: the mean of -log D(G(z)).
    """
    # TODO: compute the loss, its gradient and the step.
    raise NotImplementedError("fill in gan_step.py")
