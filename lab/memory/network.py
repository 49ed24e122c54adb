"""The network of the memory study: a cell and the linear layer that gives the answers."""

import copy
from collections.abc import Callable, Iterator
from typing import Literal

import torch
from torch import Tensor, nn

from lab.config.components import build, refuse_other_kind
from lab.config.errors import UserError
from lab.config.trust import is_trusted
from lab.config.wording import shown
from lab.engine.process import random_streams_kept, seed_everything
from lab.engine.run_folder import RunFolder
from lab.memory.cells import LSTM, State, TorchLSTM
from lab.memory.config import Block, MemoryConfig
from lab.memory.layers import adapt_state_format, is_recurrent
from lab.memory.sequences.base import Sequence
from lab.memory.sequences.examples import Examples
from lab.memory.sequences.palindrome import DIGITS
from lab.runs.finding import finished_config

NORMS: dict[str, Callable[[int], nn.Module]] = {"layer": nn.LayerNorm, "rms": nn.RMSNorm}
# With so many examples the gates [B, 4H] fit the processor's caches, and the memory is bounded.
EVALUATION_BATCH = 500


class Network(nn.Module):
    """p = W_ph h(t) + b_p: the logits of the classes of an answer, or the answer itself.

    Args:
        cell: the recurrent layer, which reads x [T, B, D].
        hidden_size: H.
        input: how a symbol becomes the D numbers of x; see `encode`.
        sequence: the kind of sequence; None: palindromes.
    """

    def __init__(
        self,
        cell: nn.Module,
        hidden_size: int,
        input: Literal["one_hot", "number"],
        sequence: Sequence | None = None,
    ) -> None:
        super().__init__()
        self.cell, self.input = cell, input
        self.symbols = sequence.symbols if sequence else DIGITS
        readout = nn.Linear(hidden_size, sequence.outputs if sequence else DIGITS)
        self.W_ph, self.b_p = readout.weight, readout.bias

    def encode(self, inputs: Tensor) -> Tensor:
        """Turn what is read into the inputs x of the cell, float [T, B, D].

        Args:
            inputs: symbols, integers [B, T], or numbers, float [B, T, D]. For symbols, D is how
                many symbols there are if input=one_hot, and 1 if input=number.
        """
        if inputs.is_floating_point():
            return inputs.transpose(0, 1).to(self.b_p.dtype)
        if self.input == "one_hot":
            return nn.functional.one_hot(inputs.T.long(), self.symbols).to(self.b_p.dtype)
        return inputs.T.unsqueeze(-1).to(self.b_p.dtype)

    def answers(self, examples: Examples) -> Tensor:
        """The network's outputs at the A steps at which answers are due, [B, A, outputs]."""
        last = examples.inputs.shape[1] - 1
        if examples.due.tolist() == [last]:
            return self(examples.inputs)[:, None]
        hidden, _ = self.cell(self.encode(examples.inputs), None)
        if len(examples.due) < len(hidden):
            hidden = hidden[examples.due]
        return self.read_out(hidden.transpose(0, 1))

    def forward(self, inputs: Tensor, state: State | None = None) -> Tensor:
        """The output [B, outputs] after the last step; `encode` explains the inputs."""
        _, state = self.cell(self.encode(inputs), state)
        return self.read_out(state[0])

    def states(self, inputs: Tensor) -> Iterator[State]:
        """Yield the cell's state after each step; `encode` explains the inputs."""
        state = None
        for x in self.encode(inputs).split(1):
            _, state = self.cell(x, state)
            yield state

    def read_out(self, h: Tensor) -> Tensor:
        """The outputs [..., outputs] for hidden states [..., H]."""
        return nn.functional.linear(h, self.W_ph, self.b_p)

    def equation_weights(self) -> dict[str, Tensor]:
        """The parameters by their names in the equations."""
        return {name.removeprefix("cell."): value for name, value in self.state_dict().items()}

    def load_equation_weights(self, weights: dict[str, Tensor]) -> None:
        """Load the parameters that `equation_weights` returned."""
        own = {"W_ph", "b_p"}
        self.load_state_dict(
            {name if name in own else f"cell.{name}": value for name, value in weights.items()}
        )


class Blocks(nn.Module):
    """Embed the inputs, pass them through several blocks, and normalise.

    h = W_e x + b_e; in each block h += cell(norm(h)) and then, unless block.mlp is 0, h +=
    mlp(norm(h)), with one hidden layer of block.mlp * H units and GELU. The result is norm(h).

    Args:
        cells: the recurrent layers, [T, B, H] to [T, B, H].
        input_size: D.
        hidden_size: H.
        block: the settings.
    """

    def __init__(
        self, cells: list[nn.Module], input_size: int, hidden_size: int, block: Block
    ) -> None:
        super().__init__()
        norm = NORMS[block.norm]
        self.recurrent = all(is_recurrent(cell) for cell in cells)
        sizes: list[int] = [getattr(cell, "state_per_step", 0) for cell in cells]
        self.state_per_step = sum(sizes) if all(sizes) else None
        self.embed, self.norm = nn.Linear(input_size, hidden_size), norm(hidden_size)
        self.cells = nn.ModuleList(cells)
        self.cell_norms = nn.ModuleList(norm(hidden_size) for _ in cells)
        self.mlps = nn.ModuleList(
            nn.Sequential(
                norm(hidden_size),
                nn.Linear(hidden_size, block.mlp * hidden_size),
                nn.GELU(),
                nn.Linear(block.mlp * hidden_size, hidden_size),
            )
            for _ in (cells if block.mlp else ())
        )

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Read a sequence as `Cell.forward`; the state is h and the cells' states, top first."""
        h, after = self.embed(x), []
        for place, (cell, norm) in enumerate(zip(self.cells, self.cell_norms, strict=True)):
            before = None
            if state is not None:
                size = (len(state) - 1) // len(self.cells)
                first = 1 + size * (len(self.cells) - 1 - place)
                before = state[first : first + size]
            added, end = cell(norm(h), before)
            h = h + added
            if len(self.mlps):
                h = h + self.mlps[place](h)
            after.append(end)
        h = self.norm(h)
        return h, (h[-1], *(part for end in reversed(after) for part in end))


def build_network(config: MemoryConfig) -> Network:
    """Build the network that a config describes, on the CPU."""
    sequence = build_sequence(config)
    input_size = sequence.numbers or (sequence.symbols if config.input == "one_hot" else 1)
    if not config.block.layers:
        cell = _build_cell(config, input_size)
    else:
        cells = [_build_cell(config, config.hidden_size) for _ in range(config.block.layers)]
        cell = Blocks(cells, input_size, config.hidden_size, config.block)
    return Network(cell, config.hidden_size, config.input, sequence)


def _build_cell(config: MemoryConfig, input_size: int) -> nn.Module:
    cell = build("cell", config.cell, input_size, config.hidden_size)
    return adapt_state_format(cell, input_size, config.hidden_size, str(config.cell["_target_"]))


def build_sequence(config: MemoryConfig) -> Sequence:
    """Build the sequence that a config describes."""
    sequence: Sequence = build("sequence", config.sequence, base=Sequence)
    refuse_other_kind("sequence", config.sequence, sequence, Sequence)
    tested = config.tested_lengths or []
    lengths = {length: f"{length} in tested_lengths={shown(tested)}" for length in tested}
    lengths[config.seq_len] = f"seq_len={config.seq_len}"
    for length in sorted(lengths):
        if length < sequence.shortest:
            raise UserError(
                f"{lengths[length]} is too short for sequence={config.sequence_name}: expected at "
                f"least {sequence.shortest}"
            )
    return sequence


def load_network(config: MemoryConfig, weights: dict[str, Tensor]) -> Network:
    """Build the network of a finished run, in evaluation mode on the CPU.

    Args:
        config: the run's config.
        weights: the tensors of its model.safetensors, by name.
    """
    network = build_network(config)
    try:
        network.load_equation_weights(weights)
    except RuntimeError as error:  # names or shapes differ
        raise UserError(f"the weights do not fit the cell {config.cell['_target_']}") from error
    return network.eval()


def initial_network(config: MemoryConfig) -> Network:
    """Build the network with the weights that the run of this config began with.

    It is in evaluation mode, on the CPU.
    """
    with random_streams_kept():
        seed_everything(config.seed)
        return build_network(config).eval()


def with_torch_kernel(network: Network) -> Network:
    """Return the network with which accuracies are measured after training.

    Our LSTM is replaced by the kernel of torch.nn.LSTM with the same parameters, which takes half
    the time. The states differ by rounding alone, about 1e-7. So an answer can change only if two
    logits are equal to six digits. Every other network is returned as it is.
    """
    if type(network.cell) is not LSTM:
        return network
    twin = copy.deepcopy(network)
    with torch.random.fork_rng(devices=[]):  # the constructor draws parameters, which are replaced
        cell = TorchLSTM(network.cell.input_size, network.cell.hidden_size)
    cell.load_state_dict(network.cell.state_dict())
    twin.cell = cell.to(network.b_p).train(network.cell.training)
    return twin


@torch.no_grad()
def evaluate(network: Network, sequence: Sequence, examples: Examples) -> tuple[float, float]:
    """Return the mean loss and the accuracy, from 0 to 1, of the answers to examples.

    The examples are read in batches, so that the memory is bounded.
    """
    loss, correct = 0.0, 0
    for batch in examples.split(EVALUATION_BATCH):
        outputs = network.answers(batch)
        loss += float(sequence.loss(outputs, batch.targets, reduction="sum"))
        correct += int(sequence.correct(outputs, batch.targets).sum())
    answers = examples.targets.numel()
    return loss / answers, correct / answers


def open_run(folder: RunFolder) -> tuple[Network, MemoryConfig]:
    """Return the trained network, on the CPU, and the config of a finished run."""
    config = finished_config(folder, MemoryConfig, "memory")
    return load_network(config, folder.load_weights()), config


def open_palindromes(folder: RunFolder, *, recurrent: bool = False) -> tuple[Network, MemoryConfig]:
    """Open a run as `open_run` does, for a tool that works only with palindromes.

    Args:
        folder: the folder of a finished run.
        recurrent: whether the tool also needs a cell that carries a state.
    """
    config = finished_config(folder, MemoryConfig, "memory")
    # Do not build an untrusted sequence.
    trusted = is_trusted(config.sequence["_target_"])
    if not (trusted and build_sequence(config).answer_is_first_symbol):
        raise UserError(
            f"{folder.path}: a run of sequence={config.sequence_name}, but this tool needs a run "
            "of sequence=palindrome"
        )
    network = load_network(config, folder.load_weights())
    if recurrent and not is_recurrent(network.cell):
        raise UserError(
            f"{folder.path}: this tool shows the state from step to step, but the cell "
            f"{config.cell['_target_']} has none"
        )
    return network, config
