"""Turn torch layers into data that the page's script can compute."""

from typing import Any

import torch
from torch import Tensor, nn

from lab.play.tensors import packed


class UnknownLayer(Exception):
    """The page's script cannot compute a layer."""


def chain(layers: nn.Sequential) -> list[dict[str, Any]]:
    """Return an entry for each layer in evaluation mode, without layers that then do nothing.

    Raises:
        UnknownLayer: the script cannot compute a layer, or not with its arguments.
    """
    entries = [_entry(layer) for layer in layers]
    return [entry for entry in entries if entry]


def _entry(layer: nn.Module) -> dict[str, Any]:
    match layer:
        case nn.Linear():
            return {"kind": "linear", **_weights(layer)}
        case nn.BatchNorm1d() | nn.BatchNorm2d():
            return {"kind": "scale", **_scale_and_shift(layer)}
        case nn.LeakyReLU():
            return {"kind": "leaky_relu", "slope": layer.negative_slope}
        case nn.ReLU():
            return {"kind": "leaky_relu", "slope": 0.0}
        case nn.Tanh():
            return {"kind": "tanh"}
        case nn.MaxPool2d():
            return _pool(layer)
        case nn.Unflatten():
            return {"kind": "shape", "shape": list(layer.unflattened_size)}
        case nn.ConvTranspose2d() | nn.Conv2d():
            return _convolution(layer)
        case nn.Flatten() | nn.Dropout() | nn.Dropout2d() | nn.Identity():
            return {}  # in the page an image is flat, and its shape is separate
    raise UnknownLayer(type(layer).__name__)


def _weights(layer: nn.Linear | nn.Conv2d | nn.ConvTranspose2d) -> dict[str, Any]:
    bias = {} if layer.bias is None else {"bias": packed(layer.bias)}
    return {"weight": packed(layer.weight), **bias}


def _scale_and_shift(layer: nn.BatchNorm1d | nn.BatchNorm2d) -> dict[str, Any]:
    """BatchNorm in evaluation mode, as a factor and a summand for each channel."""
    if layer.running_mean is None or layer.running_var is None:
        raise UnknownLayer("BatchNorm without running statistics")
    scale = (layer.running_var.double() + layer.eps).rsqrt()
    if layer.affine:
        scale = scale * layer.weight.double()
    shift = -layer.running_mean.double() * scale
    if layer.affine:
        shift = shift + layer.bias.double()
    return {"scale": packed(scale), "shift": packed(shift)}


def _pool(layer: nn.MaxPool2d) -> dict[str, Any]:
    if not isinstance(layer.kernel_size, int) or layer.stride != layer.kernel_size:
        raise UnknownLayer("MaxPool2d whose windows overlap")
    if layer.padding != 0 or layer.dilation != 1:
        raise UnknownLayer("MaxPool2d with padding or dilation")
    return {"kind": "pool", "size": layer.kernel_size}


def _convolution(layer: nn.Conv2d | nn.ConvTranspose2d) -> dict[str, Any]:
    square = all(len(set(pair)) == 1 for pair in (layer.stride, layer.padding, layer.kernel_size))
    plain = layer.groups == 1 and set(layer.dilation) == {1} and layer.padding_mode == "zeros"
    if isinstance(layer.padding, str) or not (square and plain):
        raise UnknownLayer(f"{type(layer).__name__} with unequal sides, groups or dilation")
    grows = isinstance(layer, nn.ConvTranspose2d)
    if grows and set(layer.output_padding) != {0}:
        raise UnknownLayer("ConvTranspose2d with output_padding")
    return {
        "kind": "transposed_convolution" if grows else "convolution",
        "stride": layer.stride[0],
        "padding": layer.padding[0],
        **_weights(layer),
    }


@torch.no_grad()
def main_directions(weight: Tensor, count: int) -> Tensor:
    """Return the input directions along which a linear layer changes most, [count, inputs].

    They are its first right singular vectors, of length 1 (Shen & Zhou 2021, "Closed-form
    factorization of latent semantics in GANs").
    """
    return torch.linalg.svd(weight.double(), full_matrices=False).Vh[:count]
