"""A cell's parameters to and from those of a layer of torch.nn, which stacks its gates."""

from typing import TYPE_CHECKING, TypeVar

import torch
from torch import nn

if TYPE_CHECKING:
    from lab.memory.cells import Cell

Layer = TypeVar("Layer", bound=nn.RNNBase)
AnyCell = TypeVar("AnyCell", bound="Cell")
NAMES = {"weight_ih_l0": "W_{}x", "weight_hh_l0": "W_{}h", "bias_ih_l0": "b_{}"}


@torch.no_grad()
def copy_to_torch(cell: "Cell", layer: Layer, order: str) -> Layer:
    """Copy the gates in torch's order; our one bias goes to its first, its second becomes 0."""
    layer.to(cell.stacked("b_{}"))
    for theirs, ours in NAMES.items():
        parts = [cell.get_parameter(ours.format(gate)).data for gate in order]
        layer.get_parameter(theirs).copy_(torch.cat(parts))
    layer.get_parameter("bias_hh_l0").zero_()
    return layer


@torch.no_grad()
def copy_from_torch(cell: AnyCell, layer: nn.RNNBase, order: str) -> AnyCell:
    """Copy the gates out of torch's order; our one bias is the sum of its two."""
    cell.to(layer.get_parameter("weight_ih_l0"))
    for theirs, ours in NAMES.items():
        parts = layer.get_parameter(theirs).chunk(len(order))
        for gate, part in zip(order, parts, strict=True):
            cell.get_parameter(ours.format(gate)).copy_(part)
    for gate, part in zip(order, layer.get_parameter("bias_hh_l0").chunk(len(order)), strict=True):
        cell.get_parameter(f"b_{gate}").add_(part)
    return cell
