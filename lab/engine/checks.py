"""Checks of a part that a user wrote: what was expected, and what it did."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lab.config.errors import UserError, reason

EPSILON = 1e-6  # of finite differences, in float64
TOLERANCE = 1e-5


@dataclass(frozen=True)
class Check:
    """One check.

    Args:
        name: what is checked.
        run: returns what was found; raises Unexpected, or whatever the part raises.
    """

    name: str
    run: Callable[[], str]


class Unexpected(Exception):
    """A part did something else than was expected: the message says both."""


def expect(holds: bool, expected: str, actual: object) -> None:
    """Raise Unexpected unless it holds."""
    if not holds:
        raise Unexpected(f"expected {expected}, got {actual}")


def same(actual: Tensor, expected: Tensor, what: str, tolerance: float = 1e-9) -> str:
    """Say how far two tensors are apart at most; raise Unexpected if that is too far."""
    expect(actual.shape == expected.shape, f"shape {list(expected.shape)}", list(actual.shape))
    apart = float((actual - expected).abs().max())
    expect(apart <= tolerance, f"{what}, to {tolerance:g}", f"a difference of {apart:.3g}")
    return f"{what}, to {apart:.1g}"


def lines(checks: Iterable[Check]) -> tuple[list[str], int]:
    """Run the checks: a line for each, and the number of those that failed."""
    shown, failed = [], 0
    for check in checks:
        try:
            mark, text = "ok  ", check.run()
        except Unexpected as problem:
            mark, text = "FAIL", str(problem)
        except (Exception, UserError) as error:
            mark, text = "FAIL", reason(error) if not isinstance(error, UserError) else str(error)
        failed += mark == "FAIL"
        shown.append(f"{mark}  {check.name}: {text}")
    return shown, failed


def reaches_all(module: nn.Module, scalar: Tensor) -> str:
    """Say that the gradient of a scalar reaches every parameter of a module."""
    named = [(name, value) for name, value in module.named_parameters() if value.requires_grad]
    expect(bool(named), "parameters", "none")
    gradients = torch.autograd.grad(scalar, [value for _, value in named], allow_unused=True)
    lost = [
        name
        for (name, _), gradient in zip(named, gradients, strict=True)
        if gradient is None or not bool(gradient.abs().sum() > 0)
    ]
    expect(not lost, "a gradient for every parameter", f"none for {', '.join(lost)}")
    return f"all {len(named)} parameters have one"


def matches_differences(function: Callable[[], Tensor], named: Sequence[tuple[str, Tensor]]) -> str:
    """Compare the gradients of a scalar with central differences along one random direction each.

    Args:
        function: computes the scalar from the tensors, in float64.
        named: the tensors, which are changed and put back.
    """
    gradients = torch.autograd.grad(function(), [value for _, value in named], allow_unused=True)
    worst = 0.0
    for (name, value), gradient in zip(named, gradients, strict=True):
        direction = torch.randn_like(value)
        ends = []
        for sign in (1, -1):
            with torch.no_grad():
                value.add_(sign * EPSILON * direction)
                ends.append(float(function()))
                value.sub_(sign * EPSILON * direction)
        numeric = (ends[0] - ends[1]) / (2 * EPSILON)
        exact = 0.0 if gradient is None else float((gradient * direction).sum())
        apart = abs(exact - numeric) / max(1.0, abs(numeric))
        expect(apart < TOLERANCE, f"{numeric:.6g} for {name} by differences", f"{exact:.6g}")
        worst = max(worst, apart)
    return f"equal to finite differences, to {worst:.1g}"
