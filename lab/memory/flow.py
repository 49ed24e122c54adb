"""How a network remembers: its gradients, the gates of an LSTM, and what a probe reads.

How much of the loss's gradient reaches each step: |dLoss/dh(t)| and |dLoss/dc(t)| against t.

The state after step t is (h(t), c(t)). Each is a partial derivative, with the other of the two held
fixed. So dLoss/dc(t) is the gradient that flows back along the cell state from later steps.

The probe: how well a linear map reads the first digit from the state after each step.

The probe is a ridge regression on the indicators of the ten digits. It is fitted at each step, and
its accuracy is measured on palindromes that it was not fitted to. Even an untrained network's curve
may rise towards the end: the second half mirrors the first, so that fewer digits of the state are
unknown.
"""

import copy
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from lab.engine.process import random_stream
from lab.memory.cells import LSTM, State
from lab.memory.config import MemoryConfig
from lab.memory.network import DIGITS, Network, initial_network
from lab.memory.sequences import palindrome

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PALINDROMES = 32
# The eigenvalues of a 256x256 matrix take about 50 ms. So many steps, spread over all, are enough.
STEPS_FOR_EIGENVALUES = 20
STATE_NAMES = ("h", "c")
# A unit carries the first digit if the digit explains at least this share of the variance of its
# cell state at every step. With N palindromes, chance alone explains 9 / (N - 1).
CARRIES = 0.5
GATE_PALINDROMES = 200
EXPLAINED = (
    f"cell state: share of its variance over {GATE_PALINDROMES} palindromes that the first digit "
    "explains"
)
# At longer T the gates of 200 palindromes would fill the memory, and columns would be too narrow.
LONGEST_GATES = 200
SHORT = 4
# The penalty as a share of the states' mean square. It keeps the fit stable if a unit is constant.
RIDGE = 1e-4


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
    return palindrome.draw_distinct(seq_len, count, random_stream(config.seed, f"flow {seq_len}"))


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
    gradients = torch.autograd.grad(scalar, state, allow_unused=True)
    return tuple(
        torch.zeros_like(part) if gradient is None else gradient
        for part, gradient in zip(state, gradients, strict=True)
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


@dataclass(frozen=True)
class Gates:
    """The gates and the cell state over time, each [T-1, B, H]."""

    f: Tensor
    i: Tensor
    o: Tensor
    c: Tensor


@torch.no_grad()
def gate_values(network: Network, digits: Tensor) -> Gates:
    """Read the digits uint8 [B, T-1] with an LSTM and return its gates and cell states."""
    cell = network.cell
    assert isinstance(cell, LSTM)
    x = network.encode(digits)
    W_h = cell.stacked("W_{}h").T
    h, c = cell.initial_state(x)
    kept = []
    for a in cell.projected(x):
        g, i, f, o = cell.gate(a, W_h, h)
        c = g * i + c * f
        h = torch.tanh(c) * o
        kept.append((f, i, o, c))
    return Gates(*(torch.stack(part) for part in zip(*kept, strict=True)))


def explained_share(c: Tensor, first_digits: Tensor) -> Tensor:
    """The share of a unit's variance over palindromes that the first digit explains, [T-1, H].

    Args:
        c: the cell state, float [T-1, B, H].
        first_digits: integers [B].
    """
    c = c.double()
    classes = nn.functional.one_hot(first_digits.long(), DIGITS).double()  # [B, 10]
    counts = classes.sum(0)
    means = (classes / counts.clamp(min=1)).T @ c  # [T-1, 10, H]
    overall = c.mean(1, keepdim=True)
    between = (counts[:, None] * (means - overall) ** 2).sum(1)
    total = ((c - overall) ** 2).sum(1)
    return (between / total.clamp(min=torch.finfo(c.dtype).tiny)).clamp(max=1)


def carried_share(c: Tensor, first_digits: Tensor) -> Tensor:
    """The smallest share over all steps that the first digit explains, [H].

    So a unit that takes the digit over from another one during the sequence has a small share.
    """
    return explained_share(c, first_digits).amin(0)


def geometric_mean(f: Tensor) -> float:
    """The geometric mean of forget gates f, of any shape: what they leave of a cell state a step.

    The mean itself says less. Gates of 1 and of 0 have a mean of 0.5, but leave nothing.
    """
    return float(f.double().log().mean().exp())


def half_life(mean: float) -> float:
    """The number of steps after which forget gates of this geometric mean halve a cell state."""
    if mean <= 0:
        return 0.0
    return -math.log(2) / math.log(mean) if mean < 1 else math.inf


def sentence(gates: Gates, share: Tensor) -> str:
    """A caption: how many units carry the first digit, and what their forget gates do."""
    carrying = share >= CARRIES
    count, units = int(carrying.sum()), len(share)
    if count == 0:
        return f"None of the {units} units holds the first digit at every step."
    # The first step has nothing to forget.
    mean = geometric_mean(gates.f[1:, :, carrying])
    verb = "holds" if count == 1 else "hold"
    return (
        f"{count} of {units} units {verb} the first digit at every step. Geometric mean of the "
        f"forget gate {mean:.4f}, which alone halves a cell state in {half_life(mean):,.0f} digits."
    )


@torch.no_grad()
def probe_states(
    network: Network, digits: Tensor, steps: list[int], test_count: int
) -> dict[str, list[float]]:
    """Return the probe's accuracies at the steps, by the name of the state, `h` or `c`.

    Args:
        network: the network, which carries a state.
        digits: palindromes uint8 [N, T].
        steps: the steps at which to probe, from 1 to T-1.
        test_count: the number of palindromes, at the end, that are tested on and not fitted to.
    """
    accuracies: dict[str, list[float]] = {}
    for t, state in enumerate(network.states(digits[:, :-1]), start=1):
        if t not in steps:
            continue
        for name, part in zip("hc", state, strict=False):
            value = probe_accuracy(part, digits[:, 0], test_count)
            accuracies.setdefault(name, []).append(value)
    return accuracies


def probe_accuracy(features: Tensor, labels: Tensor, test_count: int) -> float:
    """Fit a ridge regression to all but the last `test_count` rows; return the accuracy on those.

    Args:
        features: float [N, H].
        labels: digits, integers [N].
        test_count: the number of rows to test on.
    """
    ones = torch.ones(len(features), 1, dtype=torch.float64)
    X = torch.cat([features.double().cpu(), ones], dim=1)
    Y = nn.functional.one_hot(labels.long().cpu(), DIGITS).double()
    fitted, fitted_Y = X[:-test_count], Y[:-test_count]
    penalty = RIDGE * fitted.square().mean() * len(fitted) * torch.eye(X.shape[1]).double()
    W = torch.linalg.solve(fitted.T @ fitted + penalty, fitted.T @ fitted_Y)  # [H+1, 10]
    guesses = (X[-test_count:] @ W).argmax(1)
    return float((guesses == Y[-test_count:].argmax(1)).double().mean())


def remembering(
    network: Network, config: MemoryConfig
) -> "tuple[dict[str, Figure], dict[str, float]]":
    """Draw how a network remembers at the length T of the config.

    Returns:
        figures by file name: `gradient_flow`, and for an LSTM `gates`. Also the factors by which
        one step back in time multiplies the norms of dLoss/dh and dLoss/dc: `h_initial`,
        `h_trained`, and `c_initial`, `c_trained` if there is a cell state. Unknown factors are left
        out.
    """
    from lab.memory import figures

    network = copy.deepcopy(network).cpu()
    digits = some_palindromes(config, config.seq_len)
    flows = {
        "initial": gradient_flow(initial_network(config), digits),
        "trained": gradient_flow(network, digits),
    }
    title = f"How much of the gradient reaches each step, {config.label}, T={config.seq_len:,}"
    drawn = {"gradient_flow": figures.gradient_flow(flows["initial"], flows["trained"], title)}
    if isinstance(network.cell, LSTM):
        drawn["gates"] = _gates(network, config)
    factors = {
        f"{state}_{when}": flow.factor(state)
        for when, flow in flows.items()
        for state in flow.norms
    }
    return drawn, {name: factor for name, factor in factors.items() if math.isfinite(factor)}


def check_remembering(network: Network, config: MemoryConfig) -> None:
    """Compute what the figures need on two tiny palindromes, so that errors show early."""
    network = copy.deepcopy(network).cpu()
    digits = some_palindromes(config, SHORT, count=2)
    gradient_flow(network, digits)
    if isinstance(network.cell, LSTM):
        gate_values(network, digits[:, :-1])


def _gates(network: Network, config: MemoryConfig) -> "Figure":
    from lab.memory import figures

    seq_len = min(config.seq_len, LONGEST_GATES)
    palindromes = some_palindromes(config, seq_len, GATE_PALINDROMES)
    gates = gate_values(network, palindromes[:, :-1])
    explained = explained_share(gates.c, palindromes[:, 0])
    share = explained.amin(0)
    order = share.argsort(descending=True)
    panels = {
        name: values[:, order].T.numpy()
        for name, values in (
            ("forget gate", gates.f[:, 0]),
            ("input gate", gates.i[:, 0]),
            ("output gate", gates.o[:, 0]),
            (EXPLAINED, explained),
            ("cell state", gates.c[:, 0]),
        )
    }
    digits = "".join(str(digit) for digit in palindromes[0, :-1].tolist())
    title = (
        f"Gates and cell state while reading T={seq_len:,}, {config.label}\n"
        "(the units that hold the first digit best are at the top)"
    )
    return figures.gates(panels, digits, title, sentence(gates, share), linear=[EXPLAINED])
