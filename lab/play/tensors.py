"""Write tensors as text for a page, in 32 or 16 bits, and measure the rounding error."""

import base64
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

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
