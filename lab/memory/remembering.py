"""Draw how the network of a run remembers."""

import copy
import math
from typing import TYPE_CHECKING

from lab.memory.cells import LSTM
from lab.memory.config import MemoryConfig
from lab.memory.flow import gradient_flow, some_palindromes
from lab.memory.gates import carried_share, gate_values, sentence
from lab.memory.network import Network, initial_network

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GATE_PALINDROMES = 200
# At longer T the gates of 200 palindromes would fill the memory, and columns would be too narrow.
LONGEST_GATES = 200
SHORT = 4


def figures(network: Network, config: MemoryConfig) -> "tuple[dict[str, Figure], dict[str, float]]":
    """Draw how a network remembers at the length T of the config.

    Returns:
        figures by file name: `gradient_flow`, and for an LSTM `gates`. Also the factors by which
        one step back in time multiplies the norms of dLoss/dh and dLoss/dc: `h_initial`,
        `h_trained`, and `c_initial`, `c_trained` if there is a cell state. Unknown factors are left
        out.
    """
    from lab.memory import flow_figures

    network = copy.deepcopy(network).cpu()
    digits = some_palindromes(config, config.seq_len)
    flows = {
        "initial": gradient_flow(initial_network(config), digits),
        "trained": gradient_flow(network, digits),
    }
    title = f"How much of the gradient reaches each step, {config.label}, T={config.seq_len:,}"
    drawn = {"gradient_flow": flow_figures.gradient_flow(flows["initial"], flows["trained"], title)}
    if isinstance(network.cell, LSTM):
        drawn["gates"] = _gates(network, config)
    factors = {
        f"{state}_{when}": flow.factor(state)
        for when, flow in flows.items()
        for state in flow.norms
    }
    return drawn, {name: factor for name, factor in factors.items() if math.isfinite(factor)}


def check(network: Network, config: MemoryConfig) -> None:
    """Compute what the figures need on two tiny palindromes, so that errors show early."""
    network = copy.deepcopy(network).cpu()
    digits = some_palindromes(config, SHORT, count=2)
    gradient_flow(network, digits)
    if isinstance(network.cell, LSTM):
        gate_values(network, digits[:, :-1])


def _gates(network: Network, config: MemoryConfig) -> "Figure":
    from lab.memory import flow_figures

    seq_len = min(config.seq_len, LONGEST_GATES)
    palindromes = some_palindromes(config, seq_len, GATE_PALINDROMES)
    gates = gate_values(network, palindromes[:, :-1])
    share = carried_share(gates.c, palindromes[:, 0])
    order = share.argsort(descending=True)
    panels = {
        name: values[:, 0, order].T.numpy()
        for name, values in (
            ("forget gate", gates.f),
            ("input gate", gates.i),
            ("output gate", gates.o),
            ("cell state", gates.c),
        )
    }
    digits = "".join(str(digit) for digit in palindromes[0, :-1].tolist())
    title = (
        f"Gates and cell state while reading T={seq_len:,}, {config.label}\n"
        "(the units that hold the first digit best are at the top)"
    )
    return flow_figures.gates(panels, digits, title, sentence(gates, share))
