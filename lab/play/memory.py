"""The data of a memory run's page: weights, what each unit stores, and a self-test."""

from typing import Any

import torch
from torch import Tensor, nn

from lab.config.trust import is_trusted
from lab.engine.process import random_stream
from lab.engine.run_folder import RunFolder
from lab.memory.config import MemoryConfig
from lab.memory.flow import carried_share
from lab.memory.network import Network, build_sequence, open_run
from lab.memory.sequences import palindrome
from lab.memory.sequences.state_tracking import StateTracking
from lab.play.recorded import of_unknown, recorded
from lab.play.tensors import fits_in_32_bits, largest_difference, numbers, packed, rounded

# The cells whose equations the page has, with its names for them. No other class is ever built.
CELLS = {
    "lab.memory.cells.RNN": "rnn",
    "lab.memory.cells.IRNN": "irnn",
    "lab.memory.cells.LSTM": "lstm",
    "lab.memory.cells.TorchLSTM": "lstm",
    "lab.memory.cells.GRU": "gru",
    "lab.memory.linear_cells.MinGRU": "min_gru",
}
LONGEST_TEST = 30  # digits; enough to show a wrong equation
PALINDROMES = 500
LONGEST_TO_RATE_UNITS = 60


def memory_run(folder: RunFolder, config: MemoryConfig) -> tuple[str, dict[str, Any]]:
    """Return the kind of page, memory or state, and the data of one run for it."""
    result = folder.result or {}
    accuracy = result.get("test_accuracy")  # None if there was no test set
    about = {
        "name": folder.path.name,
        "label": config.label,
        "seq_len": config.seq_len,
        "input": config.input,
        "hidden": config.hidden_size,
        "steps": result.get("steps"),
        "accuracy": accuracy if accuracy is not None else result.get("val_accuracy"),
        "accuracy_of": "test" if accuracy is not None else "validation",
    }
    target = str(config.cell["_target_"])
    if target not in CELLS:
        return "memory", {**about, **of_unknown(folder, f"cell {target}")}
    sequence = build_sequence(config) if is_trusted(config.sequence["_target_"]) else None
    if not isinstance(sequence, StateTracking) and (
        not config.is_palindrome or config.block.layers
    ):
        reason = (
            "The page computes answers to palindromes without a block, and states of "
            "parity, modular_sum, cycle and group, but this run has "
            f"sequence={config.sequence_name}, block.layers={config.block.layers}. "
            "These are the figures that the run drew when it was trained."
        )
        return "memory", {**about, **recorded(folder, reason)}
    network, _ = open_run(folder)
    if isinstance(sequence, StateTracking):
        draws = random_stream(config.seed, "page")
        read = sequence.draw(min(config.seq_len, LONGEST_TEST), 1, draws).inputs
    else:
        length = min(config.seq_len, LONGEST_TEST + 1)
        read = palindrome.draw_distinct(length, 1, random_stream(config.seed, "page"))[:, :-1]
    exact = _trace(network, read)
    weights = rounded(network.equation_weights())
    network.load_equation_weights(weights)
    # Both sides use float64, because a chaotic RNN magnifies rounding errors over many steps.
    test = _trace(network.double(), read)
    data = {
        **about,
        "cell": CELLS[target],
        "transition": config.cell.get("transition"),
        "layers": config.block.layers,
        "symbols": network.symbols,
        "weights": {name: packed(value) for name, value in weights.items()},
        "bits": 32 if fits_in_32_bits(weights.values()) else 16,
        "cost": largest_difference(test["logits"], exact["logits"]),
        "selftest": {
            "digits": read[0].tolist(),
            **{name: numbers(value) for name, value in test.items()},
        },
    }
    if isinstance(sequence, StateTracking):
        symbols, states = sequence.names()
        table = sequence.table().tolist()
        return "state", {**data, "task": {"symbols": symbols, "states": states, "table": table}}
    holds = {name: packed(share) for name, share in _holds(network, config).items()}
    return "memory", {**data, "holds": holds}


def _trace(network: Network, digits: Tensor) -> dict[str, Tensor]:
    """Compute the values that the self-test compares, for digits uint8 [1, T-1].

    Returns:
        logits [T-1, 10]; state [K, H], the K parts of the state after the last digit; saliency
        [T-1], the norm of the gradient of the answer's logit with respect to each input.
    """
    x = network.encode(digits).requires_grad_()  # [T-1, 1, D]
    hidden, state = network.cell(x, None)
    logits = network.read_out(hidden)[:, 0]
    logits[-1].max().backward()
    assert x.grad is not None
    parts = torch.stack([part[0] for part in state])
    return {
        "logits": logits.detach(),
        "state": parts.detach(),
        "saliency": x.grad[:, 0].norm(dim=-1),
    }


@torch.no_grad()
def _holds(network: Network, config: MemoryConfig) -> dict[str, Tensor]:
    """For each part of the state, the share of each unit's variance that the first digit explains,
    [H], from 0 to 1."""
    length = min(config.seq_len, LONGEST_TO_RATE_UNITS)
    digits = palindrome.draw_distinct(length, PALINDROMES, random_stream(config.seed, "units"))[
        :, :-1
    ]
    states = list(zip(*network.states(digits), strict=True))  # K times T-1 times [B, H]
    names = _state_names(network.cell)
    return {
        name: carried_share(torch.stack(part), digits[:, 0])
        for name, part in zip(names, states, strict=True)
    }


def _state_names(cell: nn.Module) -> list[str]:
    """The page's names for the parts of the state, in their order."""
    layers = getattr(cell, "zn", None)
    if layers is not None:  # MinGRU has several layers; the top one is first
        return [f"h{layer + 1}" for layer in reversed(range(len(layers)))]
    return ["h", "c"] if hasattr(cell, "W_fx") else ["h"]
