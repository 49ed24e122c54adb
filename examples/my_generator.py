"""A generator of your own: a single linear layer, as the by-hand study has it.

cd examples && python -m lab --config-dir conf task=gan generator=linear max_steps=600
"""

from math import prod

from torch import Tensor, nn


class Linear(nn.Module):
    """Images as tanh of an affine map of z.

    Args:
        latent: length of z; lab draws as many numbers.
        image_shape: C, H, W of the data; lab gives it.
    """

    def __init__(self, latent: int, *, image_shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.latent, self.image_shape = latent, tuple(image_shape)
        self.layer = nn.Linear(latent, prod(image_shape))

    def forward(self, z: Tensor) -> Tensor:
        """z [B, latent] to images [B, C, H, W] in [-1, 1]."""
        images: Tensor = self.layer(z).tanh()
        return images.view(-1, *self.image_shape)
