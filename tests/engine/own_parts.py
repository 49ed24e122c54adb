"""Components as a user may write them, each with something that the end of a run stumbled over."""

import torch
from torch import Tensor, nn

from lab.generation.losses import Hinge
from lab.generation.networks import MLPDiscriminator
from lab.memory.cells import RNN, State


class OwnCell(RNN):
    """Takes an `init` of its own meaning and no `forget_bias`, and names one matrix twice."""

    def __init__(self, input_size: int, hidden_size: int, init: str) -> None:
        super().__init__(input_size, hidden_size)
        self.tied = nn.Linear(hidden_size, hidden_size, bias=False)
        self.tied.weight = self.get_parameter("W_hh")


class WholeSequencesOnly(RNN):
    """Can be trained, but not read step by step, as the figure of the gradients does."""

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        if state is not None:
            raise NotImplementedError("begins at the first digit only")
        return super().forward(x)


class ColumnOfLogits(MLPDiscriminator):
    """Gives [B, 1], as many discriminators do."""

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        return super().forward(images, labels).unsqueeze(1)


class LossForEachImage(Hinge):
    """Forgets the mean."""

    def generator(self, fake_logits: Tensor) -> Tensor:
        return -fake_logits


class SmallImages(nn.Module):
    """Gives images of 14x14."""

    def __init__(self, latent: int, image_shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.latent = latent
        self.layer = nn.Linear(latent, 14 * 14)

    def forward(self, z: Tensor) -> Tensor:
        return torch.tanh(self.layer(z)).view(-1, 1, 14, 14)
