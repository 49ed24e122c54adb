"""Write tensors and layers as data for a page's script, and measure the rounding error."""

import base64
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

# With so many numbers in 32 bits a page stays far below 6 MB.
MOST_IN_32_BITS = 250_000


def fits_in_32_bits(tensors: Iterable[Tensor]) -> bool:
    """Whether a network has so few weights that they are written in 32 bits."""
    return sum(tensor.numel() for tensor in tensors) <= MOST_IN_32_BITS


def rounded(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights as a page gets them: float32, or float32 rounded to 16 bits.

    Raises:
        ValueError: a weight is not finite, or too large for 16 bits.
    """
    exact = fits_in_32_bits(weights.values())
    result = {}
    for name, value in weights.items():
        result[name] = value.detach().float().cpu()
        if not exact and value.is_floating_point() and value.ndim > 1:  # vectors are small anyway
            result[name] = result[name].half().float()
        if not result[name].isfinite().all():
            raise ValueError(f"the weights {name} are not finite numbers")
    return result


def packed(tensor: Tensor) -> dict[str, Any]:
    """Return a tensor as JSON: its shape, `f4` or `f2`, and its numbers as little-endian base64.

    It has 16 bits if they lose nothing, as after `rounded`.
    """
    values = tensor.detach().float().cpu().contiguous()
    half = values.half()
    short = values.numel() > 0 and bool((half.float() == values).all())
    array = (half if short else values).numpy()
    array = array.astype("<f2" if short else "<f4")
    return {
        "shape": list(tensor.shape),
        "type": "f2" if short else "f4",
        "data": base64.b64encode(array.tobytes()).decode(),
    }


def largest_difference(a: Tensor, b: Tensor) -> float:
    """The largest absolute difference of two tensors of the same shape."""
    return float((a - b).abs().max()) if a.numel() else 0.0


def numbers(tensor: Tensor) -> list[Any]:
    """Return a small tensor as nested lists, for the values of a self-test."""
    result: list[Any] = tensor.detach().to(torch.float64).cpu().tolist()
    return result


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
