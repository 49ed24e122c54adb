"""The examiner: a run's judge and yardsticks, and the verdict on a generator."""

from collections.abc import Mapping
from functools import cache

import torch
from torch import Tensor, nn

from lab.generation.images import Images, to_float
from lab.generation.judge import Judge, load_judge
from lab.generation.latent import generate
from lab.generation.quality import Yardstick, measure, yardstick


class Examiner:
    """Measures generators of one data set.

    Args:
        train, test: with labels.
        device: of the generators.
    """

    def __init__(self, train: Images, test: Images, device: str) -> None:
        self._train, self._test = train, test
        self.judge: Judge = load_judge(train, test).to(device)
        self.yardstick = cache(self._yardstick)

    def _yardstick(self, n: int) -> Yardstick:
        return yardstick(self.judge, self._train, self._test, n)

    def measure(self, generator: nn.Module, z: Tensor) -> Mapping[str, float]:
        """The figures of the generator's images of z [N, latent], or of the first so many.

        Fewer than N where a split of the real images has fewer.
        """
        real = self.yardstick(len(z))
        return measure(self.judge, generate(generator, z[: real.n]), real)


@torch.no_grad()
def share_called_real(discriminator: nn.Module, images: Images, device: str) -> float:
    """How many of (at most 2,000) real images never trained on the discriminator takes for real."""
    logits = discriminator(to_float(images.pixels[:2000].to(device)))
    return float((logits > 0).float().mean())
