"""How much of the loss reaches each step: the norms of dLoss/dh(t) and dLoss/dc(t) against t.

The state after step t is (h(t), c(t)), and a gradient is that of changing one of the two with the
other as it is: dLoss/dc(t) is what flows along the cell state to later steps.
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
# An eigenvalue of 256 x 256 numbers takes some 50 ms; so many steps, spread over all, are enough.
STEPS_FOR_EIGENVALUES = 20
STATE_NAMES = ("h", "c")


@dataclass(frozen=True)
class Flow:
    """log10 of the gradient norms of one network, by the name of the state.

    Each is float64 [T-1], for t = 1..T-1: the mean over palindromes of log10 |dLoss/dh(t)|, nan
    where there is no gradient at all.
    """

    norms: dict[str, np.ndarray]

    def phrase(self, name: str) -> str:
        """The same in words, nothing where it is not known."""
        factor = self.factor(name)
        return "" if math.isnan(factor) else f": ×{factor:.3g} a step back"

    def factor(self, name: str) -> float:
        """What each step back in time multiplies the norm by, from a straight line's fit.

        nan where fewer than two steps have a gradient, as for c at T=3.
        """
        norms = self.norms[name]
        there = np.isfinite(norms)
        if there.sum() < 2:
            return math.nan
        slope = np.polyfit(np.flatnonzero(there), norms[there], 1)[0]
        return float(10**-slope)


def some_palindromes(config: MemoryConfig, seq_len: int, count: int = PALINDROMES) -> Tensor:
    """The same for every call with this seed, uint8 [N, T]."""
    draws = random_stream(config.seed, f"flow {seq_len}")
    codes = palindromes.distinct_codes(seq_len, count, draws)
    return palindromes.from_codes(codes, seq_len, draws)


def gradient_flow(network: Network, digits: Tensor) -> Flow:
    """The gradients' norms for palindromes uint8 [B, T], in float64.

    Goes back one step at a time and rescales after each, so that neither memory nor the smallest
    float bounds T.
    """
    network = _frozen(network)
    states = _detached_states(network, digits[:, :-1])
    inputs = network.encode(digits[:, :-1]).split(1)  # T-1 times [1, B, D]
    state = _leaves(states[-1])
    loss = nn.functional.cross_entropy(
        network.read_out(state[0]), digits[:, -1].long(), reduction="sum"
    )
    gradients = _gradients(loss, state)
    scale = torch.zeros(len(digits), dtype=torch.float64)  # log10 of what was divided out, [B]
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
    """The largest |eigenvalue| of d state(t) / d state(t-1), averaged over steps.

    The geometric mean over at most STEPS_FOR_EIGENVALUES steps, of the first of the palindromes
    uint8 [B, T]. A product of such matrices shrinks as this says as far as they share eigenvectors.
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
    """d scalar / d state; zeros where it does not depend on a part."""
    found = torch.autograd.grad(scalar, state, allow_unused=True)
    return tuple(
        torch.zeros_like(part) if gradient is None else gradient
        for part, gradient in zip(state, found, strict=True)
    )


def describe(network: Network, digits: Tensor, flow: Flow) -> str:
    """The decay of each gradient, and what it follows from, in a phrase."""
    factors = ", ".join(
        f"dLoss/d{name} x {flow.factor(name):.4g} a step back" for name in flow.norms
    )
    words = f"{factors}; spectral radius of a step {spectral_radius(network, digits):.4g}"
    if isinstance(network.cell, LSTM):
        forget = gate_values(network, digits[:, :-1]).f.mean()
        words += f"; mean forget gate {float(forget):.4f}"
    return words
