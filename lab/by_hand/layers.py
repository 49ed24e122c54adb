"""The layers of a one-layer GAN, forward and backward in matrix form, without autograd.

G independent GANs are computed side by side in batched products. Every tensor has a leading
dimension G, along which nothing is mixed:

    Z   noise                        [G, N, L]      W_G, B_G   [G, L, D], [G, 1, D]
    K   = Z W_G + B_G                [G, N, D]      W_D, B_D   [G, D, 1], [G, 1, 1]
    X   = ReLU(K), the fake image    [G, N, D]
    F   = X W_D + B_D, the logit     [G, N, 1]
    Y   = sigmoid(F)                 [G, N, 1]
    J   = -ln(Y)                     [G, N, 1], one for each example

A function named `*_backward` takes the derivative of J by the layer's output, if it needs one, and
returns the derivative by the layer's input. Any floating dtype works, and results keep it. A
gradient of weights is the sum over the batch; for the mean, scale the objective's gradient by 1/N
first. If shapes do not fit, torch raises RuntimeError. An argument `out` takes the result, as in
torch. Large tensors reuse the memory of the last step this way, because new memory costs more than
the arithmetic.

The functions follow the derivation of S4, parts A to E, with three corrections: the sigmoid's
derivative is Y(1-Y), not F(1-F); the left side of part E is dJ/dW_G, not dJ/dX; and Z^T is the
first factor of part E, not the last. `generator_chain` has all five parts.
"""

from typing import NamedTuple

import torch
from torch import Tensor


def linear(x: Tensor, weight: Tensor, bias: Tensor, out: Tensor | None = None) -> Tensor:
    """K = X W + B, [G, N, K], from x [G, N, D], weight [G, D, K] and bias [G, 1, K]."""
    return torch.bmm(x, weight, out=out).add_(bias)


def linear_grad_input(grad: Tensor, weight: Tensor) -> Tensor:
    """dJ/dX = dJ/dK W^T, [G, N, D], from grad [G, N, K] and weight [G, D, K]."""
    if weight.shape[-1] == 1:  # a matrix product takes four times as long as this outer product
        return grad * weight.mT
    return grad @ weight.mT


def linear_grad_params(grad: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """dJ/dW = X^T dJ/dK, [G, D, K], and dJ/dB, the sum of dJ/dK over the batch, [G, 1, K].

    Args:
        grad: dJ/dK [G, N, K].
        x: the layer's input [G, N, D]. X^T is the first factor, as Z^T is in part E.
    """
    if grad.shape[-1] == 1:  # reading X by columns would take five times as long as by rows
        return (grad.mT @ x).mT, grad.sum(1, keepdim=True)
    return x.mT @ grad, grad.sum(1, keepdim=True)


def relu(k: Tensor, out: Tensor | None = None) -> Tensor:
    """X = K where K > 0, else 0, for any shape; `out` may be K."""
    return torch.clamp(k, min=0, out=out)


def relu_backward(grad: Tensor, x: Tensor, out: Tensor | None = None) -> Tensor:
    """dJ/dK = dJ/dX where K > 0, else 0, of any shape (part C; the derivative at 0 is 0).

    `x` is the layer's output: since X >= 0, its sign is the derivative dX/dK. `out` may be `x`.
    """
    return torch.sign(x, out=out).mul_(grad)


def sigmoid(f: Tensor) -> Tensor:
    """Y = 1 / (1 + exp(-F)), of any shape, without overflow.

    exp(-F) overflows for F < -88 in float32, so only exp(-|F|) is computed.
    """
    small = torch.exp(-f.abs())
    return torch.where(f >= 0, 1.0, small) / (1 + small)


def sigmoid_backward(grad: Tensor, y: Tensor) -> Tensor:
    """dJ/dF = dJ/dY Y(1-Y), from the layer's output `y`; any shape."""
    return grad * y * (1 - y)


def softplus(f: Tensor) -> Tensor:
    """ln(1 + exp(F)) = -ln(sigmoid(-F)), of any shape, without overflow."""
    return f.clamp(min=0) + torch.log1p(torch.exp(-f.abs()))


def log_loss_of_logit(f: Tensor, target: float) -> Tensor:
    """The discriminator's J = -(T ln Y + (1-T) ln(1-Y)) of a logit, as ln(1 + exp(F)) - T F.

    Finite for every finite F.
    """
    return softplus(f) - target * f


def log_loss_of_logit_backward(y: Tensor, target: float) -> Tensor:
    """dJ/dF = Y - T: the factor Y(1-Y) cancels the poles of dJ/dY."""
    return y - target


def negative_log_backward(y: Tensor) -> Tensor:
    """dJ/dY = -1/Y (part A); infinite where Y has rounded to 0."""
    return -1 / y


def negative_log_of_logit(f: Tensor) -> Tensor:
    """The generator's J = -ln(Y) of a logit, as ln(1 + exp(-F)): finite for every finite F."""
    return softplus(-f)


def negative_log_of_logit_backward(f: Tensor) -> Tensor:
    """dJ/dF = Y - 1 = -sigmoid(-F), which is exact even where Y rounds to 1."""
    return -sigmoid(-f)


class GeneratorChain(NamedTuple):
    """The derivatives of the sum of J over the batch, parts A to E of the derivation."""

    dj_dy: Tensor
    """A [G, N, 1]: -1/Y."""
    dj_dx: Tensor
    """B [G, N, D]: (dJ/dY o Y(1-Y)) W_D^T, where o is the elementwise product."""
    dx_dk: Tensor
    """C [G, N, D]: 1 where K > 0, else 0; an elementwise factor."""
    dk_dw: Tensor
    """D [G, L, N]: Z^T, the first factor of a matrix product."""
    dj_dw: Tensor
    """E [G, L, D]: dJ/dW_G = Z^T (dJ/dX o dX/dK)."""


def generator_chain(
    z: Tensor, w_g: Tensor, b_g: Tensor, w_d: Tensor, b_d: Tensor
) -> GeneratorChain:
    """The generator's gradient through the discriminator, parts A to E of the derivation.

    dJ/dX uses Y - 1 for (dJ/dY)(dY/dF), so only dj_dy itself can be infinite.
    """
    x = relu(linear(z, w_g, b_g))
    f = linear(x, w_d, b_d)
    dj_dx = linear_grad_input(negative_log_of_logit_backward(f), w_d)
    dj_dk = relu_backward(dj_dx, x)
    dj_dw, _ = linear_grad_params(dj_dk, z)
    return GeneratorChain(
        dj_dy=negative_log_backward(sigmoid(f)),
        dj_dx=dj_dx,
        dx_dk=x.sign(),
        dk_dw=z.mT,
        dj_dw=dj_dw,
    )
