"""How much of the loss's gradient reaches each step: |dLoss/dh(t)| and |dLoss/dc(t)| against t.

The state after step t is (h(t), c(t)). Each is a partial derivative, with the other of the two held
fixed. So dLoss/dc(t) is the gradient that flows back along the cell state from later steps.
"""

import copy
import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from lab.engine.seeding import random_stream
from lab.memory import palindromes
from lab.memory.cells import LSTM, State
from lab.memory.config import MemoryConfig
from lab.memory.gates import gate_values
from lab.memory.network import Network

PALINDROMES = 32
# The eigenvalues of a 256x256 matrix take about 50 ms. So many steps, spread over all, are enough.
STEPS_FOR_EIGENVALUES = 20
STATE_NAMES = ("h", "c")


@dataclass(frozen=True)
class Flow:
    """The gradient norms of one network, by the name of the state, `h` or `c`.

    Each is float64 [T-1], for t = 1..T-1: the mean over palindromes of log10 |dLoss/dh(t)|. It is
    nan where the gradient is exactly 0.
    """

    norms: dict[str, np.ndarray]

    def phrase(self, name: str) -> str:
        """`factor` as text for a legend; empty if it is not known."""
        factor = self.factor(name)
        return "" if math.isnan(factor) else f": ×{factor:.3g} a step back"

    def factor(self, name: str) -> float:
        """The factor by which one step back in time multiplies the norm, from a linear fit.

        It is nan if fewer than two steps have a gradient, as for c at T=3.
        """
        norms = self.norms[name]
        there = np.isfinite(norms)
        if there.sum() < 2:
            return math.nan
        slope = np.polyfit(np.flatnonzero(there), norms[there], 1)[0]
        return float(10**-slope)


def some_palindromes(config: MemoryConfig, seq_len: int, count: int = PALINDROMES) -> Tensor:
    """Draw palindromes, uint8 [N, T]: the same ones for every call with this seed."""
    draws = random_stream(config.seed, f"flow {seq_len}")
    codes = palindromes.distinct_codes(seq_len, count, draws)
    return palindromes.from_codes(codes, seq_len, draws)


def gradient_flow(network: Network, digits: Tensor) -> Flow:
    """Compute the gradients' norms for palindromes uint8 [B, T], in float64.

    The backward pass takes one step at a time and rescales the gradient after each. So neither the
    memory nor the smallest float limits T.
    """
    network = _frozen(network)
    states = _detached_states(network, digits[:, :-1])
    inputs = network.encode(digits[:, :-1]).split(1)  # T-1 times [1, B, D]
    state = _leaves(states[-1])
    loss = nn.functional.cross_entropy(
        network.read_out(state[0]), digits[:, -1].long(), reduction="sum"
    )
    gradients = _gradients(loss, state)
    scale = torch.zeros(len(digits), dtype=torch.float64)  # log10 of the rescaling so far, [B]
    rows = []
    for t in reversed(range(len(states))):
        rows.append([float((g.norm(dim=1).log10() + scale).mean()) for g in gradients])
        if t == 0:
            break
        size = torch.stack([g.norm(dim=1) for g in gradients]).amax(0)
        size = size.clamp(min=torch.finfo(torch.float64).tiny)
        scale += size.log10()
        before = _leaves(states[t - 1])
        after = network.cell(inputs[t], before)[1]
        along = sum((a * g / size[:, None]).sum() for a, g in zip(after, gradients, strict=True))
        gradients = _gradients(along, before)
    norms = np.array(rows[::-1])  # [T-1, number of states]
    norms[~np.isfinite(norms)] = np.nan
    return Flow(dict(zip(STATE_NAMES, norms.T, strict=False)))


def spectral_radius(network: Network, digits: Tensor) -> float:
    """The largest |eigenvalue| of the Jacobian d state(t) / d state(t-1), averaged over steps.

    It is the geometric mean over at most STEPS_FOR_EIGENVALUES steps of the first of the
    palindromes uint8 [B, T]. A product of the Jacobians shrinks at this rate only as far as they
    share eigenvectors.
    """
    network, one = _frozen(network), digits[:1, :-1]
    states = _detached_states(network, one)
    inputs = network.encode(one).split(1)
    count = min(STEPS_FOR_EIGENVALUES, len(states) - 1)
    logs = []
    for t in np.linspace(1, len(states) - 1, count).round().astype(int):
        sizes = [part.shape[1] for part in states[t - 1]]

        def step(flat: Tensor, t: int = t, sizes: list[int] = sizes) -> Tensor:
            return torch.cat(network.cell(inputs[t], flat.split(sizes, dim=1))[1], dim=1)[0]

        before = torch.cat(states[t - 1], dim=1)  # [1, S]
        jacobian = torch.autograd.functional.jacobian(step, before, vectorize=True)[:, 0]  # [S, S]
        logs.append(torch.linalg.eigvals(jacobian).abs().max().log())
    return float(torch.stack(logs).mean().exp())


def _frozen(network: Network) -> Network:
    """A copy in float64 on the CPU whose weights need no gradient."""
    return copy.deepcopy(network).double().cpu().requires_grad_(False)


def _detached_states(network: Network, digits: Tensor) -> list[State]:
    with torch.no_grad():
        return list(network.states(digits))


def _leaves(state: State) -> State:
    return tuple(part.detach().requires_grad_() for part in state)


def _gradients(scalar: Tensor, state: State) -> tuple[Tensor, ...]:
    """d scalar / d state; zeros for a part of the state on which the scalar does not depend."""
    found = torch.autograd.grad(scalar, state, allow_unused=True)
    return tuple(
        torch.zeros_like(part) if gradient is None else gradient
        for part, gradient in zip(state, found, strict=True)
    )


def describe(network: Network, digits: Tensor, flow: Flow) -> str:
    """The line that `lab flow` prints: each gradient's factor, the spectral radius, the gate."""
    factors = ", ".join(
        f"dLoss/d{name} x {flow.factor(name):.4g} a step back" for name in flow.norms
    )
    line = f"{factors}; spectral radius of a step {spectral_radius(network, digits):.4g}"
    if isinstance(network.cell, LSTM):
        forget = gate_values(network, digits[:, :-1]).f.mean()
        line += f"; mean forget gate {float(forget):.4f}"
    return line
