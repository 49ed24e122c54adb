"""The examiner: a run's judge and yardsticks, and the verdict on a generator."""

from collections.abc import Mapping
from functools import cache

import torch
from torch import Tensor, nn

from lab.images.classifier import Judge, load_judge
from lab.images.datasets import Images, to_float
from lab.images.quality import Yardstick, measure, yardstick


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

    def measure(self, samples: Tensor) -> Mapping[str, float]:
        """The figures of generated images [N, 1, 28, 28].

        Of the first so many, where a split of the real images has fewer than N.
        """
        real = self.yardstick(len(samples))
        return measure(self.judge, samples[: real.n], real)


@torch.no_grad()
def held_out_auc(discriminator: nn.Module, images: Images, generated: Tensor) -> float:
    """How well the discriminator tells real images it never saw from generated ones.

    The share of pairs of which it gives the real image the larger logit (the area under the ROC
    curve): 0.5 if it cannot tell, 1 if always. Needs no threshold, so it holds for every loss.

    Args:
        discriminator: in evaluation mode.
        images: never trained on; as many are taken as there are generated ones.
        generated: float [N, 1, 28, 28].
    """
    from torchmetrics.functional.classification import binary_auroc

    real = to_float(images.pixels[: len(generated)].to(generated.device))
    logits = torch.cat([discriminator(real), discriminator(generated)])
    is_real = torch.cat([torch.ones(len(real)), torch.zeros(len(generated))]).long()
    return float(binary_auroc(logits.float().cpu(), is_real))
