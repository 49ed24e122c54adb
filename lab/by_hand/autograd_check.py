"""Compare the formulas of S4, and ours, with autograd, in float64."""

from collections.abc import Mapping

import torch
from torch import Tensor

from lab.by_hand import layers


def _relative(of: Tensor, truth: Tensor) -> float:
    return float(((of - truth).abs() / truth.abs().clamp(min=1e-12)).max())


def differences() -> Mapping[str, float]:
    """The largest relative difference from autograd, by formula."""
    random = torch.Generator().manual_seed(0)
    shapes = ((1, 8, 5), (1, 5, 12), (1, 1, 12), (1, 12, 1), (1, 1, 1))
    z, w_g, b_g, w_d, b_d = (
        torch.randn(shape, generator=random, dtype=torch.float64).requires_grad_()
        for shape in shapes
    )
    f = layers.linear(layers.relu(layers.linear(z, w_g, b_g)), w_d, b_d)
    y = f.sigmoid()
    dj_dy, dj_df, dj_dw = torch.autograd.grad(-y.log().sum(), (y, f, w_g))
    with torch.no_grad():
        chain = layers.generator_chain(z, w_g, b_g, w_d, b_d)
        return {
            "A": _relative(chain.dj_dy, dj_dy),
            "B": _relative(layers.sigmoid_backward(dj_dy, y), dj_df),
            "E": _relative(chain.dj_dw, dj_dw),
            "B as written": _relative(dj_dy * f * (1 - f), dj_df),
        }


def ours() -> list[float]:
    """The largest relative difference of our parts A, B and E."""
    largest = differences()
    return [max(largest["A"], largest["B"], largest["E"])]


def as_written() -> list[float]:
    """The largest relative difference of part B as S4 writes it."""
    return [differences()["B as written"]]
