"""Give layers of torch.nn and of other packages the states of our cells.

Our cells carry a tuple of tensors [B, H]. torch.nn.LSTM carries (h, c), each [layers, B, H].
torch.nn.GRU carries one such tensor instead of a tuple.
"""

from typing import Any

import torch
from torch import Tensor, nn

from lab.config.errors import UserError, reason

STEPS, BATCH = 3, 2
CALLED = "a cell is called as cell(x [T, B, D], state) and returns (h [T, B, H], state)"


def is_recurrent(cell: nn.Module) -> bool:
    """Whether a cell carries a state from step to step; if not, it has `recurrent = False`."""
    return bool(getattr(cell, "recurrent", True))


def state_size(cell: nn.Module, x: Tensor) -> int | None:
    """How many numbers a cell carries from step to step; None if that is not known.

    Of what a cell returns as its state, only the parts count on which its next step depends. A cell
    that is not recurrent carries what it read; its `state_per_step` says how much of each step.

    Args:
        cell: a cell whose states are as those of lab.memory.cells.
        x: a sequence, [T, 1, D]; a cell that is not recurrent is asked at its end.
    """
    if not is_recurrent(cell):
        per_step = getattr(cell, "state_per_step", None)
        return None if per_step is None else int(per_step * len(x))
    with torch.random.fork_rng(devices=[]):
        before = [part.detach().requires_grad_() for part in cell(x[:1], None)[1]]
        hidden, after = cell(x[:1], tuple(before))
        total = torch.stack([part.sum() for part in (hidden, *after)]).sum()
        depends = torch.autograd.grad(total, before, allow_unused=True)
    return sum(
        part.numel() for part, found in zip(before, depends, strict=True) if found is not None
    )


def with_our_states(cell: nn.Module, input_size: int, hidden_size: int, name: str) -> nn.Module:
    """Make a cell take and return states as those of lab.memory.cells do, and return it.

    If it has several layers, the state begins with h and c of the top layer; those of the layer
    below follow.

    Args:
        cell: called as `cell(x, state)` with x [T, B, D]; returns h(1..T) [T, B, H] and a state.
        input_size: D.
        hidden_size: H.
        name: the name of its class, for the message.

    Raises:
        UserError: it cannot be called so, or it returns something else.
    """
    hidden, state = _tried(cell, torch.zeros(STEPS, BATCH, input_size), name)
    if hidden.shape != (STEPS, BATCH, hidden_size):
        raise _other_shape(name, "h(1..T)", hidden, "[T, B, H]", (STEPS, BATCH, hidden_size))
    alone = isinstance(state, Tensor)
    parts = (state,) if alone else tuple(state)
    if not all(part.dim() == 3 for part in parts):
        return cell
    layers = len(parts[0])
    for part in parts:
        if part.shape != (layers, BATCH, hidden_size):
            expected = (layers, BATCH, hidden_size)
            raise _other_shape(name, "a state", part, "[layers, B, H]", expected)

    def to_theirs(_: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
        x, ours = args
        if ours is None:
            return x, None
        kinds = len(parts)
        stacked = tuple(torch.stack(ours[kind::kinds][::-1]) for kind in range(kinds))
        return x, stacked[0] if alone else stacked

    def to_ours(_: nn.Module, args: object, given: tuple[Tensor, Any]) -> tuple[Tensor, Any]:
        hidden, theirs = given
        by_layer = zip(*((theirs,) if alone else theirs), strict=True)
        return hidden, tuple(part for layer in reversed(list(by_layer)) for part in layer)

    cell.register_forward_pre_hook(to_theirs)
    cell.register_forward_hook(to_ours)
    return cell


def _tried(cell: nn.Module, x: Tensor, name: str) -> tuple[Tensor, Any]:
    """What a cell returns for x; a class that is no cell is refused here, before a run begins."""
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            returned = cell(x, None)
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"cell {name}: {reason(error)}; {CALLED}") from error
    if not (isinstance(returned, tuple) and len(returned) == 2):
        raise UserError(f"cell {name} does not return a pair; {CALLED}")
    hidden, state = returned
    if not isinstance(hidden, Tensor):
        raise UserError(f"cell {name} returns an h that is no tensor; {CALLED}")
    parts = state if isinstance(state, tuple | list) else [state]
    if not parts or not all(isinstance(part, Tensor) for part in parts):
        raise UserError(f"cell {name} returns a state that has no tensors; {CALLED}")
    return hidden, state


def _other_shape(
    name: str, what: str, found: Tensor, axes: str, expected: tuple[int, ...]
) -> UserError:
    return UserError(
        f"cell {name} returns {what} of shape {list(found.shape)} for x of T={STEPS} steps and "
        f"B={BATCH} sequences: expected {axes}, {list(expected)}"
    )
