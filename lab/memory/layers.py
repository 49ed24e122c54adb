"""Give layers of torch.nn and of other packages the states of our cells.

Our cells carry a tuple of tensors [B, H]. torch.nn.LSTM carries (h, c), each [layers, B, H].
torch.nn.GRU carries one such tensor instead of a tuple.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from lab.config.errors import UserError, reason
from lab.engine.process import random_streams_kept
from lab.memory.cells import State

STEPS, BATCH = 16, 2
PIECES = (1, 7, 7, 1)  # of these steps
# Numbers that differ by at most this share of the largest one differ by rounding alone.
ROUNDING = 1e-3
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
    with random_streams_kept():
        before = [part.detach().requires_grad_() for part in cell(x[:1], None)[1]]
        hidden, after = cell(x[:1], tuple(before))
        total = torch.stack([part.sum() for part in (hidden, *after)]).sum()
        depends = torch.autograd.grad(total, before, allow_unused=True)
    return sum(
        part.numel() for part, gradient in zip(before, depends, strict=True) if gradient is not None
    )


def adapt_state_format(
    cell: nn.Module, input_size: int, hidden_size: int, name: str, *, must_continue: bool = True
) -> nn.Module:
    """Make a cell take and return states as those of lab.memory.cells do, and return it.

    Our states begin with the last h, from which answers are read. If a cell returns h in another
    place of its state, the order is changed. If its state has no h, h is put before it. If it has
    several layers, the state begins with h and c of the top layer; those of the layer below follow.

    Args:
        cell: called as `cell(x, state)` with x [T, B, D]; returns h(1..T) [T, B, H] and a state.
        input_size: D.
        hidden_size: H.
        name: the name of its class, for the message.
        must_continue: whether a cell is refused that does not continue from its state.
    """
    x = torch.rand(STEPS, BATCH, input_size, generator=torch.Generator().manual_seed(0))
    with _as_after_training(cell):
        hidden, state = _tried(cell, x, None, name)
        if hidden.shape != (STEPS, BATCH, hidden_size):
            raise _other_shape(name, "h(1..T)", hidden, "[T, B, H]", (STEPS, BATCH, hidden_size))
        alone = isinstance(state, Tensor)
        parts = (state,) if alone else tuple(state)
        layers = len(parts[0]) if all(part.dim() == 3 for part in parts) else 0
        for part in parts if layers else ():
            if part.shape != (layers, BATCH, hidden_size):
                expected = (layers, BATCH, hidden_size)
                raise _other_shape(name, "a state", part, "[layers, B, H]", expected)
        # What is equal before the training alone, such as h and a normalised h, is not the same.
        with _disturbed(cell):
            hidden, state = _tried(cell, x, None, name)
            if must_continue and is_recurrent(cell):
                _refuse_other_in_pieces(cell, x, hidden, name)
    kinds = len(parts)

    def ours_of(theirs: Any) -> State:
        parts = (theirs,) if alone else tuple(theirs)
        if not layers:
            return parts
        return tuple(part for layer in reversed(list(zip(*parts, strict=True))) for part in layer)

    def theirs_of(ours: State) -> Any:
        if not layers:
            return ours[0] if alone else ours
        stacked = tuple(torch.stack(ours[kind::kinds][::-1]) for kind in range(kinds))
        return stacked[0] if alone else stacked

    of_trial = ours_of(state)
    is_h = [_are_alike(part, hidden[-1]) for part in of_trial]
    if is_h[0] and not alone and not layers:
        return cell
    order = list(range(len(of_trial)))
    if True in is_h:
        order.insert(0, order.pop(is_h.index(True)))

    def to_theirs(_: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
        x, ours = args
        if ours is None:
            return x, None
        mine = ours if True in is_h else ours[1:]
        return x, theirs_of(tuple(mine[order.index(place)] for place in range(len(mine))))

    def to_ours(_: nn.Module, args: object, given: tuple[Tensor, Any]) -> tuple[Tensor, State]:
        hidden, theirs = given
        parts = ours_of(theirs)
        ours = tuple(parts[place] for place in order)
        return hidden, ours if True in is_h else (hidden[-1], *ours)

    cell.register_forward_pre_hook(to_theirs)
    cell.register_forward_hook(to_ours)
    return cell


@contextmanager
def _as_after_training(cell: nn.Module) -> Iterator[None]:
    """A context in which a trial changes neither a cell nor the random streams."""
    modes = [(module, module.training) for module in cell.modules()]
    with torch.no_grad(), random_streams_kept():
        try:
            cell.eval()
            yield
        finally:
            for module, mode in modes:
                module.training = mode


@contextmanager
def _disturbed(cell: nn.Module) -> Iterator[None]:
    """A context in which a cell's parameters are others, as they will be after training."""
    before = [(parameter, parameter.clone()) for parameter in cell.parameters()]
    random = torch.Generator().manual_seed(0)
    try:
        for parameter in cell.parameters():
            factor, more = torch.randn(2, *parameter.shape, generator=random)
            parameter.mul_(1 + 0.1 * factor).add_(0.01 * more)
        yield
    finally:
        for parameter, value in before:
            parameter.copy_(value)


def _refuse_other_in_pieces(cell: nn.Module, x: Tensor, hidden: Tensor, name: str) -> None:
    """Read x in pieces with a cell's own states; raise a UserError if h is another."""
    state: Any = None
    parts = []
    for piece in x.split(PIECES):
        h, state = _tried(cell, piece, state, name)
        parts.append(h)
    if not _are_alike(torch.cat(parts), hidden):
        raise UserError(
            f"cell {name} gives another h when it continues from the state that it returned than "
            "when it reads the whole sequence, so that state lacks something; a class with "
            "`recurrent = False` is always read whole, and the tools for states refuse it"
        )


def _are_alike(a: Tensor, b: Tensor) -> bool:
    """Whether they differ by rounding at most."""
    if (a.shape, a.dtype) != (b.shape, b.dtype):
        return False
    most = float(b.abs().max())
    return torch.allclose(a, b, 0, ROUNDING * most, equal_nan=True)


def _tried(cell: nn.Module, x: Tensor, state: Any, name: str) -> tuple[Tensor, Any]:
    """What a cell returns for x; a class that is no cell is refused here, before a run begins."""
    try:
        returned = cell(x, state)
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
