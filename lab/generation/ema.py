"""The average of a generator's weights over training; samples come from it."""

import copy
from collections.abc import Iterator

import torch
from torch import Tensor, nn


class EMA:
    """The exponential moving average of a generator, with BatchNorm's running statistics.

    The latest statistics would not fit the averaged weights. torch's AveragedModel does not help:
    it averages the counters among the buffers too, and begins with a copy.

    Args:
        network: the generator to average; a copy is kept, in evaluation mode.
        decay: the decay per step, in [0, 1). The first steps use less, (1 + t) / (10 + t), so that
            the random initial weights soon have no effect.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay = decay
        self._steps = 0

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Move the average towards the weights and statistics that `network` has now."""
        self._steps += 1
        decay = min(self.decay, (1 + self._steps) / (10 + self._steps))
        for mean, now in zip(_tensors(self.network), _tensors(network), strict=True):
            if mean.is_floating_point():
                mean.lerp_(now, 1 - decay)
            else:
                mean.copy_(now)

    def state_dict(self) -> dict[str, object]:
        return {"steps": self._steps, "network": self.network.state_dict()}

    def load_state_dict(self, state: dict[str, object]) -> None:
        steps, network = state["steps"], state["network"]
        assert isinstance(steps, int)
        assert isinstance(network, dict)
        self._steps = steps
        self.network.load_state_dict(network)


def _tensors(network: nn.Module) -> Iterator[Tensor]:
    yield from network.parameters()
    yield from network.buffers()
