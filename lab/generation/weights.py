"""The weights that samples come from: their average over training, and those of the lowest FID."""

import copy
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from lab.engine.task import Recorder


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

    def state_dict(self) -> dict[str, Any]:
        return {"steps": self._steps, "network": self.network.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._steps = state["steps"]
        self.network.load_state_dict(state["network"])


def _tensors(network: nn.Module) -> Iterator[Tensor]:
    yield from network.parameters()
    yield from network.buffers()


class Best:
    """The evaluation with the lowest training FID so far, and the weights that had it.

    The FID against training images chooses, so that the test images measure and do nothing else.

    Args:
        keeps_weights: whether its weights are kept too, or only the FID and the step.
    """

    def __init__(self, keeps_weights: bool) -> None:
        self._keeps_weights = keeps_weights
        self.lowest: tuple[float, int] | None = None
        """The FID and its step."""
        self.weights: dict[str, Tensor] = {}

    def offer(self, fid: float, step: int, network: nn.Module) -> None:
        """Keep this evaluation if its FID is lower than every FID before."""
        if self.lowest is not None and fid >= self.lowest[0]:
            return
        self.lowest = fid, step
        if self._keeps_weights:
            state = network.state_dict()
            self.weights = {name: value.detach().cpu().clone() for name, value in state.items()}

    def state_dict(self) -> dict[str, Any]:
        return {"lowest": self.lowest, "weights": self.weights}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.lowest, self.weights = state["lowest"], state["weights"]

    def choose(self, network: nn.Module, step: int, recorder: Recorder) -> dict[str, Any]:
        """Choose the weights of the run and write them: those of the lowest FID, if they were kept.

        Args:
            network: the network with the weights of the last step; it gets the chosen weights.
            step: the last step.
            recorder: writes the chosen weights, and also the last ones if they are others.

        Returns:
            `weights` of the result: the step of the chosen weights and why they were chosen.
        """
        weights: dict[str, Any] = {"step": step, "chosen_by": "last step"}
        if self.weights and self.lowest is not None:
            recorder.last_weights(network.state_dict())
            network.load_state_dict(self.weights)
            fid, step = self.lowest
            weights = {"step": step, "chosen_by": "lowest training FID", "training_fid": fid}
        recorder.weights(network.state_dict())
        return weights
