"""Each layer and the whole chain against autograd, in float64."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from lab.by_hand import layers

G, N, L, D = 3, 5, 4, 6
TARGETS = [0.0, 1.0]


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def autograd(
    fn: Callable[..., Tensor], *inputs: Tensor, grad: Tensor | None = None
) -> list[Tensor]:
    """The derivatives of sum(fn(*inputs) o grad) by every input."""
    leaves = [x.clone().requires_grad_() for x in inputs]
    out = fn(*leaves)
    return list(torch.autograd.grad(out, leaves, torch.ones_like(out) if grad is None else grad))


def assert_exact(got: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("k", [L, 1])
def test_linear_is_each_gans_own_product(k: int):
    x, weight, bias = randn(G, N, D), randn(G, D, k, seed=1), randn(G, 1, k, seed=2)
    for g, out in enumerate(layers.linear(x, weight, bias)):
        assert_exact(out, torch.nn.functional.linear(x[g], weight[g].T, bias[g, 0]))


@pytest.mark.parametrize("k", [L, 1])
def test_linear_backward(k: int):
    x, weight, bias = randn(G, N, D), randn(G, D, k, seed=1), randn(G, 1, k, seed=2)
    grad = randn(G, N, k, seed=3)
    by_weight, by_bias = layers.linear_grad_params(grad, x)
    got = [layers.linear_grad_input(grad, weight), by_weight, by_bias]
    by_b, by_x, by_w = autograd(torch.baddbmm, bias, x, weight, grad=grad)
    for mine, theirs in zip(got, [by_x, by_w, by_b], strict=True):
        assert_exact(mine, theirs)


def test_relu_and_its_derivative_at_and_around_zero():
    k = torch.tensor([-2.0, -0.0, 0.0, 1e-300, 3.0], dtype=torch.float64)
    x = layers.relu(k)
    assert x.tolist() == [0, 0, 0, 1e-300, 3]
    assert layers.relu_backward(torch.full_like(k, 7.0), x).tolist() == [0, 0, 0, 7, 7]


def test_relu_backward():
    k, grad = randn(G, N, D), randn(G, N, D, seed=1)
    got = layers.relu_backward(grad, layers.relu(k))
    assert_exact(got, autograd(torch.relu, k, grad=grad)[0])


def test_sigmoid():
    f, grad = 5 * randn(G, N, 1), randn(G, N, 1, seed=1)
    y = layers.sigmoid(f)
    got = layers.sigmoid_backward(grad, y)
    assert_exact(y, torch.sigmoid(f))
    assert_exact(got, autograd(torch.sigmoid, f, grad=grad)[0])


@pytest.mark.parametrize("target", TARGETS)
def test_log_loss_on_paper_and_of_the_logit(target: float):
    f = 3 * randn(G, N, 1)
    y = layers.sigmoid(f)
    expected = torch.full_like(f, target)
    cross_entropy = torch.nn.functional.binary_cross_entropy_with_logits
    fused = layers.log_loss_of_logit_backward(y, target)
    assert_exact(layers.log_loss_of_logit(f, target), cross_entropy(f, expected, reduction="none"))
    assert_exact(fused, autograd(lambda v: cross_entropy(v, expected, reduction="sum"), f)[0])
    on_paper = -(target * torch.log(y) + (1 - target) * torch.log1p(-y))
    assert_exact(on_paper, layers.log_loss_of_logit(f, target))


def test_negative_log_on_paper_and_of_the_logit():
    f = 3 * randn(G, N, 1)
    y = layers.sigmoid(f)
    fused = layers.negative_log_of_logit_backward(f)
    assert_exact(layers.negative_log_of_logit(f), -torch.nn.functional.logsigmoid(f))
    assert_exact(-torch.log(y), layers.negative_log_of_logit(f))
    assert_exact(fused, autograd(lambda v: -torch.nn.functional.logsigmoid(v), f)[0])
    assert_exact(layers.sigmoid_backward(layers.negative_log_backward(y), y), fused)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_no_overflow_at_any_logit(dtype: torch.dtype):
    f = torch.tensor([-1e30, -1e4, -800.0, -90.0, 0.0, 90.0, 800.0, 1e4, 1e30], dtype=dtype)
    y = layers.sigmoid(f)
    torch.testing.assert_close(y, torch.sigmoid(f))
    assert y.dtype == dtype
    assert layers.negative_log_of_logit(f)[:2].tolist() == f[:2].neg().tolist()
    for target in TARGETS:
        assert layers.log_loss_of_logit(f, target).isfinite().all()
        assert layers.log_loss_of_logit_backward(y, target).abs().max() <= 1
    assert layers.negative_log_of_logit_backward(f).tolist()[:3] == [-1, -1, -1]


def test_small_gradients_keep_their_digits_where_y_rounds_to_one():
    f = torch.tensor([50.0])
    assert layers.sigmoid(f).item() == 1
    grad = layers.negative_log_of_logit_backward(f)
    torch.testing.assert_close(grad, -torch.exp(-f), rtol=1e-6, atol=0)


@pytest.fixture
def nets() -> list[Tensor]:
    """Z, W_G, B_G, W_D, B_D."""
    shapes = [(G, N, L), (G, L, D), (G, 1, D), (G, D, 1), (G, 1, 1)]
    return [randn(*shape, seed=i) for i, shape in enumerate(shapes)]


def test_the_chain_against_autograd(nets: list[Tensor]):
    z, w_g, b_g, w_d, b_d = nets
    w_g.requires_grad_()
    k = torch.baddbmm(b_g, z, w_g)
    x = torch.relu(k)
    y = torch.sigmoid(torch.baddbmm(b_d, x, w_d))
    j = -torch.log(y).sum()
    dj_dy, dj_dx, dj_dw = torch.autograd.grad(j, [y, x, w_g])
    chain = layers.generator_chain(z, w_g.detach(), b_g, w_d, b_d)
    assert_exact(chain.dj_dy, dj_dy)
    assert_exact(chain.dj_dx, dj_dx)
    assert_exact(chain.dx_dk, (k > 0).to(k.dtype))
    assert_exact(chain.dk_dw, z.mT)
    assert_exact(chain.dj_dw, dj_dw)
    assert_exact(chain.dk_dw @ (chain.dj_dx * chain.dx_dk), chain.dj_dw)


def test_the_chain_stays_finite_where_y_rounds_to_zero(nets: list[Tensor]):
    z, w_g, b_g, w_d, b_d = nets
    chain = layers.generator_chain(z, w_g, b_g, w_d, b_d - 1e4)
    assert chain.dj_dy.isinf().all()
    assert chain.dj_dx.isfinite().all()
    assert chain.dj_dw.isfinite().all()
