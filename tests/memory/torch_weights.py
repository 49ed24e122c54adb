"""Our cells to and from the layers of torch.nn, which stack their gates in orders of their own."""

from collections.abc import Callable

import torch
from torch import nn

from lab.memory.cells import GRU, IRNN, LSTM, RNN, Cell

ORDER: dict[type[Cell], str] = {RNN: "h", IRNN: "h", LSTM: "ifgo", GRU: "rzn"}
LAYERS: dict[type[Cell], Callable[..., nn.RNNBase]] = {RNN: nn.RNN, LSTM: nn.LSTM, GRU: nn.GRU}
NAMES = {"weight_ih_l0": "W_{}x", "weight_hh_l0": "W_{}h", "bias_ih_l0": "b_{}"}


@torch.no_grad()
def to_torch(cell: Cell) -> nn.RNNBase:
    """The layer of torch.nn with a cell's weights: our one bias is its first, its second is 0."""
    sizes = cell.input_size, cell.hidden_size
    layer = (
        nn.RNN(*sizes, nonlinearity="relu") if type(cell) is IRNN else LAYERS[type(cell)](*sizes)
    )
    layer.to(cell.stacked("b_{}"))
    for theirs, ours in NAMES.items():
        parts = [cell.get_parameter(ours.format(gate)).data for gate in ORDER[type(cell)]]
        layer.get_parameter(theirs).copy_(torch.cat(parts))
    layer.get_parameter("bias_hh_l0").zero_()
    if isinstance(cell, GRU):
        layer.get_parameter("bias_hh_l0")[2 * cell.hidden_size :] = cell.get_parameter("b_nh")
    return layer


@torch.no_grad()
def from_torch(cls: type[Cell], layer: nn.RNNBase) -> Cell:
    """The cell with a layer's weights: our one bias is the sum of its two."""
    cell, order = cls(layer.input_size, layer.hidden_size), ORDER[cls]
    for theirs, ours in NAMES.items():
        parts = layer.get_parameter(theirs).chunk(len(order))
        for gate, part in zip(order, parts, strict=True):
            cell.get_parameter(ours.format(gate)).copy_(part)
    second = dict(zip(order, layer.get_parameter("bias_hh_l0").chunk(len(order)), strict=True))
    if isinstance(cell, GRU):  # of n it stands within the reset gate's product
        cell.get_parameter("b_nh").copy_(second.pop("n"))
    for gate, part in second.items():
        cell.get_parameter(f"b_{gate}").add_(part)
    return cell
