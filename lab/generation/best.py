"""The lowest training FID of a run, and the weights that had it.

The FID against training images chooses, so that the test images measure and do nothing else.
"""

from typing import Any

from torch import Tensor, nn

from lab.engine.task import Recorder


class Best:
    """The evaluation with the lowest training FID so far.

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
            self.weights = {
                name: value.detach().cpu().clone() for name, value in network.state_dict().items()
            }

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
        chosen: dict[str, Any] = {"step": step, "chosen_by": "last step"}
        if self.weights and self.lowest is not None:
            recorder.last_weights(network.state_dict())
            network.load_state_dict(self.weights)
            fid, step = self.lowest
            chosen = {"step": step, "chosen_by": "lowest training FID", "training_fid": fid}
        recorder.weights(network.state_dict())
        return chosen
