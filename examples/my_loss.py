"""A loss of your own for the GAN: least squares.

cd examples && python -m lab --config-dir conf task=gan loss=least_squares max_steps=600
"""

from torch import Tensor

from lab.generation.losses import Loss


class LeastSquares(Loss):
    """Mao et al. 2017, "Least Squares GANs", equation 9: targets 1 for real, 0 for generated."""

    def discriminator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        return 0.5 * ((real_logits - 1).square().mean() + fake_logits.square().mean())

    def generator(self, fake_logits: Tensor) -> Tensor:
        return 0.5 * (fake_logits - 1).square().mean()
