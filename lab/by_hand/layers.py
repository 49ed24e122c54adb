"""The layers of the smallest GAN, forward and backward in matrix form, without autograd.

G independent GANs stand side by side in one batched product, so every tensor carries a leading
dimension G that never mixes:

    Z   noise                        [G, N, L]      W_G, B_G   [G, L, D], [G, 1, D]
    K   = Z W_G + B_G                [G, N, D]      W_D, B_D   [G, D, 1], [G, 1, 1]
    X   = ReLU(K), the fake image    [G, N, D]
    F   = X W_D + B_D, the logit     [G, N, 1]
    Y   = sigmoid(F)                 [G, N, 1]
    J   = -ln(Y)                     [G, N, 1], one for each example

A function named `*_backward` takes the derivative of J by the layer's output where it needs one
and returns the derivative by its input. Any floating dtype; results keep it. Nothing is averaged
here: a gradient by weights is the sum over the batch, and whoever wants the mean scales the
objective's gradient by 1/N first. Tensors that do not fit raise torch's RuntimeError. `out`, where
a function has it, takes the result, as in torch; the large tensors of a step are written into the
last step's memory by it, since fresh pages cost more than the arithmetic on them.

The derivation these follow (parts A to E) has three slips, put right here: the sigmoid's
derivative is Y(1-Y), not F(1-F); the left side of part E is dJ/dW_G, not dJ/dX; and Z^T multiplies
what comes before it from the left. `generator_chain` is that derivation, letter by letter.
"""

from typing import NamedTuple

import torch
from torch import Tensor


def linear(x: Tensor, weight: Tensor, bias: Tensor, out: Tensor | None = None) -> Tensor:
    """K = X W + B: x [G, N, D], weight [G, D, K], bias [G, 1, K] give [G, N, K]."""
    return torch.bmm(x, weight, out=out).add_(bias)


def linear_grad_input(grad: Tensor, weight: Tensor) -> Tensor:
    """dJ/dX = dJ/dK W^T: grad [G, N, K], weight [G, D, K] give [G, N, D]."""
    if weight.shape[-1] == 1:  # an outer product; as a matrix product it takes four times as long
        return grad * weight.mT
    return grad @ weight.mT


def linear_grad_params(grad: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """dJ/dW = X^T dJ/dK and dJ/dB, the sum of dJ/dK over the batch.

    grad [G, N, K], x [G, N, D] give [G, D, K] and [G, 1, K]. X^T stands on the left: part D's
    dK/dW_G = Z^T is not a factor that can be appended on the right of part E.
    """
    if grad.shape[-1] == 1:  # read X row by row; down its columns takes five times as long
        return (grad.mT @ x).mT, grad.sum(1, keepdim=True)
    return x.mT @ grad, grad.sum(1, keepdim=True)


def relu(k: Tensor, out: Tensor | None = None) -> Tensor:
    """X = K where K > 0, else 0; any shape; `out` may be K."""
    return torch.clamp(k, min=0, out=out)


def relu_backward(grad: Tensor, x: Tensor, out: Tensor | None = None) -> Tensor:
    """dJ/dK = dJ/dX where K > 0, else 0 (part C; the derivative at 0 is taken as 0).

    `x` is the layer's output, not its input: X >= 0, so its sign is the derivative dX/dK. `out`
    may be `x`.
    """
    return torch.sign(x, out=out).mul_(grad)


def sigmoid(f: Tensor) -> Tensor:
    """Y = 1 / (1 + exp(-F)), any shape, without overflow.

    exp(-F) overflows once F < -88 in float32, so the exponential taken is always that of -|F|.
    """
    small = torch.exp(-f.abs())
    return torch.where(f >= 0, 1.0, small) / (1 + small)


def sigmoid_backward(grad: Tensor, y: Tensor) -> Tensor:
    """dJ/dF = dJ/dY Y(1-Y), from the layer's output `y`; any shape."""
    return grad * y * (1 - y)


def softplus(f: Tensor) -> Tensor:
    """ln(1 + exp(F)) = -ln(sigmoid(-F)), any shape, without overflow."""
    return f.clamp(min=0) + torch.log1p(torch.exp(-f.abs()))


def log_loss_of_logit(f: Tensor, target: float) -> Tensor:
    """The discriminator's J = -(T ln Y + (1-T) ln(1-Y)) of a logit, as ln(1 + exp(F)) - T F.

    Finite for every finite F.
    """
    return softplus(f) - target * f


def log_loss_of_logit_backward(y: Tensor, target: float) -> Tensor:
    """dJ/dF = Y - T: in the product with Y(1-Y) the poles of dJ/dY cancel."""
    return y - target


def negative_log_backward(y: Tensor) -> Tensor:
    """dJ/dY = -1/Y (part A); infinite where Y has rounded to 0."""
    return -1 / y


def negative_log_of_logit(f: Tensor) -> Tensor:
    """The generator's J = -ln(Y) of a logit, as ln(1 + exp(-F)): finite for every finite F."""
    return softplus(-f)


def negative_log_of_logit_backward(f: Tensor) -> Tensor:
    """dJ/dF = Y - 1 = -sigmoid(-F), which keeps its digits where Y rounds to 1."""
    return -sigmoid(-f)


class GeneratorChain(NamedTuple):
    """The derivatives of the sum of J over the batch, one for each letter of the derivation."""

    dj_dy: Tensor
    """A [G, N, 1]: -1/Y."""
    dj_dx: Tensor
    """B [G, N, D]: (dJ/dY o Y(1-Y)) W_D^T, o being the product element by element."""
    dx_dk: Tensor
    """C [G, N, D]: 1 where K > 0, else 0; multiplies element by element."""
    dk_dw: Tensor
    """D [G, L, N]: Z^T; multiplies from the left."""
    dj_dw: Tensor
    """E [G, L, D]: dJ/dW_G = Z^T (dJ/dX o dX/dK)."""


def generator_chain(
    z: Tensor, w_g: Tensor, b_g: Tensor, w_d: Tensor, b_d: Tensor
) -> GeneratorChain:
    """The generator's gradient through the discriminator, parts A to E; shapes as at the top.

    dJ/dX takes (dJ/dY)(dY/dF) as the one term Y - 1, so only dj_dy itself can be infinite.
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
