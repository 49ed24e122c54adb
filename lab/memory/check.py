"""Check a cell: its shapes, its state, its gradients, what it equals and that it learns."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from lab.engine.checks import Check, expect, matches_differences, reaches_all, same
from lab.engine.process import random_stream
from lab.memory.layers import adapt_state_format, is_recurrent
from lab.memory.network import Network
from lab.memory.sequences import palindrome
from lab.memory.sequences.palindrome import DIGITS

T, B, D, H = 6, 3, 5, 8
LEARNED_LENGTH, HIDDEN, BATCH, STEPS, RATE = 5, 64, 64, 400, 1e-2
ENOUGH = 0.99
Build = Callable[[int, int], nn.Module]


def checks(build: Build, name: str, like: Build | None) -> Sequence[Check]:
    """The checks of a cell.

    Args:
        build: makes one from its sizes D and H.
        name: the name of its class, for messages.
        like: makes a reference with parameters of the same names.
    """
    torch.manual_seed(0)
    raw = build(D, H)
    # In evaluation mode a cell with dropout or normalisation too gives the same at each call.
    cell = adapt_state_format(raw, D, H, name, must_continue=False).double().eval()
    x = torch.randn(T, B, D, dtype=torch.float64)
    listed = [
        Check("shapes", partial(_shapes, cell, x)),
        Check("one step", partial(_shapes, cell, x[:1])),
        Check("examples do not mix", partial(_alone, cell, x)),
        Check("gradient reaches all", lambda: reaches_all(cell, _scalar(cell, x))),
        Check("gradients", partial(_gradients, cell, x)),
    ]
    if is_recurrent(cell):
        listed.insert(2, Check("whole = step by step", partial(_steps, cell, x)))
    if like is not None:
        listed.append(Check("equals the reference", partial(_equals, raw, cell, like, x)))
    return [*listed, Check(f"learns T={LEARNED_LENGTH}", partial(_learns, build, name))]


def _shapes(cell: nn.Module, x: Tensor) -> str:
    hidden, state = cell(x, None)
    expected = (len(x), B, H)
    expect(hidden.shape == expected, f"h [T, B, H] = {list(expected)}", list(hidden.shape))
    if is_recurrent(cell):
        same(state[0], hidden[-1], "a state that begins with the last h")
    return f"h {list(hidden.shape)}, the state begins with the last h"


def _steps(cell: nn.Module, x: Tensor) -> str:
    whole, _ = cell(x, None)
    state, steps = None, []
    for one in x.split(1):
        hidden, state = cell(one, state)
        steps.append(hidden)
    return same(torch.cat(steps), whole, "the states of the whole sequence")


def _alone(cell: nn.Module, x: Tensor) -> str:
    together, _ = cell(x, None)
    apart = torch.cat([cell(x[:, [one]], None)[0] for one in range(B)], dim=1)
    return same(apart, together, "each example as if it were alone")


def _scalar(cell: nn.Module, x: Tensor) -> Tensor:
    hidden, _ = cell(x, None)
    total: Tensor = (hidden * torch.linspace(-1, 1, hidden.numel()).view_as(hidden)).sum()
    return total


def _gradients(cell: nn.Module, x: Tensor) -> str:
    x = x.clone().requires_grad_()
    return matches_differences(
        lambda: _scalar(cell, x), [*cell.named_parameters(), ("the input x", x)]
    )


def _equals(raw: nn.Module, cell: nn.Module, like: Build, x: Tensor) -> str:
    reference = like(D, H)
    theirs, ours = ({n: tuple(p.shape) for n, p in m.named_parameters()} for m in (reference, raw))
    expect(theirs == ours, f"parameters {_listed(theirs)}", _listed(ours))
    reference.load_state_dict(raw.state_dict())
    reference = adapt_state_format(reference, D, H, "reference").double().eval()
    return same(cell(x, None)[0], reference(x, None)[0], "the same states as the reference")


def _listed(shapes: dict[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{name} {list(shape)}" for name, shape in sorted(shapes.items()))


def _learns(build: Build, name: str) -> str:
    torch.manual_seed(0)
    cell = adapt_state_format(build(DIGITS, HIDDEN), DIGITS, HIDDEN, name, must_continue=False)
    network = Network(cell, HIDDEN, "one_hot")
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE)
    draws = random_stream(0, "check")
    for step in range(1, STEPS + 1):
        digits = _palindromes(BATCH, draws)
        loss = nn.functional.cross_entropy(network(digits[:, :-1]), digits[:, -1].long())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        if step % 50 == 0:
            with torch.no_grad():
                tested = _palindromes(1000, draws)
                right = network.eval()(tested[:, :-1]).argmax(1) == tested[:, -1]
            network.train()
            accuracy = float(right.double().mean())
            if accuracy >= ENOUGH:
                return f"{accuracy:.1%} of 1,000 palindromes after {step} steps"
    expect(False, f"{ENOUGH:.0%} of 1,000 palindromes in {STEPS} steps", f"{accuracy:.1%}")
    raise AssertionError


def _palindromes(count: int, draws: torch.Generator) -> Tensor:
    codes = torch.randint(palindrome.count_palindromes(LEARNED_LENGTH), (count,), generator=draws)
    return palindrome.from_codes(codes, LEARNED_LENGTH, draws)
