"""A cell with its read-out: digits in, scores of the next digit out."""

from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor, nn

from lab.config.components import build
from lab.config.errors import UserError
from lab.memory.cells import State
from lab.memory.config import MemoryConfig

DIGITS = 10
# So many numbers [B, 4H] at once fit the processor's caches and bound the memory of an evaluation.
EVALUATION_BATCH = 500


class Network(nn.Module):
    """p = W_ph h(T) + b_p, the logits of the ten digits.

    Args:
        cell: reads [T, B, D].
        hidden_size: H.
        input: how a digit becomes the D numbers of x.
    """

    def __init__(
        self, cell: nn.Module, hidden_size: int, input: Literal["one_hot", "number"]
    ) -> None:
        super().__init__()
        self.cell, self.input = cell, input
        readout = nn.Linear(hidden_size, DIGITS)
        self.W_ph, self.b_p = readout.weight, readout.bias

    def encode(self, digits: Tensor) -> Tensor:
        """Digits uint8 [B, T] as inputs float [T, B, D]; D is 10 for one_hot, 1 for number."""
        if self.input == "one_hot":
            return nn.functional.one_hot(digits.T.long(), DIGITS).to(self.b_p.dtype)
        return digits.T.unsqueeze(-1).to(self.b_p.dtype)

    def forward(self, digits: Tensor, state: State | None = None) -> Tensor:
        """Logits [B, 10] of the digit that follows the digits uint8 [B, T-1]."""
        _, state = self.cell(self.encode(digits), state)
        return self.read_out(state[0])

    def states(self, digits: Tensor) -> Iterator[State]:
        """The cell's state after each of the digits uint8 [B, T-1], one step at a time."""
        state = None
        for x in self.encode(digits).split(1):
            _, state = self.cell(x, state)
            yield state

    def read_out(self, h: Tensor) -> Tensor:
        """Logits [..., 10] of hidden states [..., H]."""
        return nn.functional.linear(h, self.W_ph, self.b_p)

    def equation_weights(self) -> dict[str, Tensor]:
        """The parameters by their names in the equations."""
        return {name.removeprefix("cell."): value for name, value in self.state_dict().items()}

    def load_equation_weights(self, weights: dict[str, Tensor]) -> None:
        """Put back what `equation_weights` gave."""
        own = {"W_ph", "b_p"}
        self.load_state_dict(
            {name if name in own else f"cell.{name}": value for name, value in weights.items()}
        )


def build_network(config: MemoryConfig) -> Network:
    """The network that a config describes.

    Raises:
        UserError: the cell refuses its arguments.
    """
    input_size = DIGITS if config.input == "one_hot" else 1
    cell = build("cell", config.cell, input_size, config.hidden_size)
    return Network(cell, config.hidden_size, config.input)


def load_network(config: MemoryConfig, weights: dict[str, Tensor]) -> Network:
    """The network of a finished run, in evaluation mode on the CPU.

    Args:
        config: of the run.
        weights: of its model.safetensors.

    Raises:
        UserError: the cell refuses its arguments, or the weights are of another network.
    """
    network = build_network(config)
    try:
        network.load_equation_weights(weights)
    except RuntimeError as error:  # names or shapes differ
        raise UserError(f"the weights do not fit the cell {config.cell['_target_']}") from error
    return network.eval()


def initial_network(config: MemoryConfig) -> Network:
    """The network with the very weights that the run of this config began with, on the CPU."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        return build_network(config)


@torch.no_grad()
def evaluate(network: Network, palindromes: Tensor) -> tuple[float, float]:
    """Mean cross-entropy and accuracy on palindromes uint8 [N, T].

    Taken together from batches, so that memory stays bounded for any N.
    """
    loss, correct = 0.0, 0
    for batch in palindromes.split(EVALUATION_BATCH):
        logits, target = network(batch[:, :-1]), batch[:, -1].long()
        loss += float(nn.functional.cross_entropy(logits, target, reduction="sum"))
        correct += int((logits.argmax(1) == target).sum())
    return loss / len(palindromes), correct / len(palindromes)
