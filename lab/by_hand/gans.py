"""Train G small GANs side by side, with gradients from `layers`, without autograd or torch.optim.

    rngs = [lab.engine.process.random_stream(seed, f"digit {digit}") for digit in digits]
    gans = StackedGans(rngs, config, pixels=D)
    for step in range(2000):
        d_loss, g_loss = gans.step(real)  # real [G, 200, D] in [0, 1]

The GANs share only a batched product. Each draws from its own random stream. So the numbers of a
digit do not depend on the other digits, except for the last bits of the product.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from lab.by_hand import layers
from lab.by_hand.config import OneLayerConfig


class Perceptrons:
    """G stacks of fully connected (FC) layers with a ReLU between them, each with its own inputs.

    Args:
        widths: the widths of the input, the hidden layers and the output.
        relu_last: whether a ReLU follows the last layer too.
        init_scale: the standard deviation of the initial weights; the initial biases are 0.
        rngs: G random streams on the CPU, one for each stack.
        dtype: the dtype of the parameters.
        device: the device of the parameters.
    """

    def __init__(
        self,
        widths: Sequence[int],
        relu_last: bool,
        init_scale: float,
        rngs: Sequence[torch.Generator],
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        self.relu_last = relu_last
        self.params: list[Tensor] = []
        """W [G, D, K] and B [G, 1, K] of the first layer, of the second, and so on."""
        for n_in, n_out in pairwise(widths):
            weight = draw(torch.randn, rngs, n_in, n_out, dtype).mul_(init_scale).to(device)
            self.params += [weight, weight.new_zeros(len(rngs), 1, n_out)]

    def forward(self, x: Tensor, into: Sequence[Tensor] | None = None) -> list[Tensor]:
        """Return the input [G, N, D] and then each layer's output, after its ReLU if it has one.

        `into` may be an earlier result for as many inputs; it is overwritten, to reuse its memory.
        """
        outputs = [x]
        for i in range(0, len(self.params), 2):
            memory = into[i // 2 + 1] if into else None
            out = layers.linear(outputs[-1], self.params[i], self.params[i + 1], out=memory)
            outputs.append(layers.relu(out, out=out) if self._has_relu(i) else out)
        return outputs

    def backward_params(self, outputs: Sequence[Tensor], grad: Tensor) -> list[Tensor]:
        """Return the gradients of `params`, in their order.

        Args:
            outputs: the result of `forward`; it is overwritten, except for the input.
            grad: the derivative of J by the last of the outputs.
        """
        grads: list[Tensor] = []
        for i in reversed(range(0, len(self.params), 2)):
            x, out = outputs[i // 2], outputs[i // 2 + 1]
            grad = layers.relu_backward(grad, out, out=out) if self._has_relu(i) else grad
            grads = [*layers.linear_grad_params(grad, x), *grads]
            if i > 0:
                grad = layers.linear_grad_input(grad, self.params[i])
        return grads

    def backward_input(self, outputs: Sequence[Tensor], grad: Tensor) -> Tensor:
        """Return dJ/dX, [G, N, D]; `backward_params` explains the arguments."""
        for i in reversed(range(0, len(self.params), 2)):
            out = outputs[i // 2 + 1]
            grad = layers.relu_backward(grad, out, out=out) if self._has_relu(i) else grad
            grad = layers.linear_grad_input(grad, self.params[i])
        return grad

    def _has_relu(self, i: int) -> bool:
        return self.relu_last or i + 2 < len(self.params)


class Sgd:
    """P <- P - lr dJ/dP with a constant learning rate, in place."""

    def __init__(self, params: list[Tensor], lr: float) -> None:
        self.params, self.lr = params, lr

    def step(self, grads: Sequence[Tensor]) -> None:
        """Update each parameter; the gradients are in the order of the parameters."""
        for param, grad in zip(self.params, grads, strict=True):
            param.sub_(grad, alpha=self.lr)

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        pass


class Adam:
    """Adam (Kingma & Ba 2015, algorithm 1), with bias correction, in place.

    M <- beta1 M + (1 - beta1) dJ/dP,  V <- beta2 V + (1 - beta2) (dJ/dP)^2,
    P <- P - lr (M / (1 - beta1^t)) / (sqrt(V / (1 - beta2^t)) + eps)
    """

    def __init__(
        self,
        params: list[Tensor],
        lr: float,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        self.params, self.lr, self.betas, self.eps = params, lr, betas, eps
        self.steps = 0
        self.first = [torch.zeros_like(param) for param in params]
        self.second = [torch.zeros_like(param) for param in params]

    def step(self, grads: Sequence[Tensor]) -> None:
        """Update each parameter; the gradients are in the order of the parameters."""
        self.steps += 1
        beta1, beta2 = self.betas
        rate = self.lr / (1 - beta1**self.steps)
        correction = 1 - beta2**self.steps
        for param, grad, m, v in zip(self.params, grads, self.first, self.second, strict=True):
            m.mul_(beta1).add_(grad, alpha=1 - beta1)
            v.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
            param.addcdiv_(m, v.div(correction).sqrt_().add_(self.eps), value=-rate)

    def state_dict(self) -> dict[str, Any]:
        return {"steps": self.steps, "first": self.first, "second": self.second}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.steps = state["steps"]
        copy_all(self.first, state["first"])
        copy_all(self.second, state["second"])


class StackedGans:
    """G GANs. A step is one update of each discriminator and then one of each generator.

    The generator is noise -> FC -> ReLU with the objective -ln(Y). The discriminator is
    FC -> sigmoid with the log loss. Either may have a hidden layer, FC -> ReLU, before.

    Args:
        rngs: G random streams on the CPU, one for each GAN, which only this object may use.
        config: the sizes, the initialisation and the optimizer.
        pixels: D, the number of values of an image.
        dtype: the dtype of parameters, noise and images.
        device: the device of parameters and noise. Numbers are drawn on the CPU, so that they are
            equal on every device.
    """

    def __init__(
        self,
        rngs: Sequence[torch.Generator],
        config: OneLayerConfig,
        *,
        pixels: int,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        self.rngs = list(rngs)
        self.config = config
        self.dtype, self.device = dtype, torch.device(device)

        def perceptrons(*widths: int, relu_last: bool) -> Perceptrons:
            present = [width for width in widths if width]
            return Perceptrons(present, relu_last, config.init_scale, self.rngs, dtype, self.device)

        self.generator = perceptrons(
            config.noise_size, config.generator_hidden, pixels, relu_last=True
        )
        self.discriminator = perceptrons(pixels, config.discriminator_hidden, 1, relu_last=False)
        optimizer, d_lr = Adam if config.rule == "adam" else Sgd, config.discriminator_lr
        self.generator_optimizer = optimizer(self.generator.params, config.lr)
        self.discriminator_optimizer = optimizer(self.discriminator.params, d_lr or config.lr)
        self._made: dict[int, list[Tensor]] = {}
        """The generator's outputs of the last step, by batch size; the next step reuses them."""

    def noise(self, count: int, rngs: Sequence[torch.Generator] | None = None) -> Tensor:
        """Draw Z [G, count, L] from each GAN's random stream, or from `rngs`, one for each GAN."""
        kind = torch.randn if self.config.noise == "normal" else torch.rand
        size = self.config.noise_size
        return draw(kind, rngs or self.rngs, count, size, self.dtype).to(self.device)

    def generate(self, noise: Tensor) -> Tensor:
        """Return images [G, N, D] of noise [G, N, L]; values are at least 0 and may exceed 1."""
        return self.generator.forward(noise)[-1]

    def logits(self, images: Tensor) -> Tensor:
        """Return F [G, N, 1] of images [G, N, D]; F is above 0 if D reads an image as real."""
        return self.discriminator.forward(images)[-1]

    def step(self, real: Tensor) -> tuple[Tensor, Tensor]:
        """Update D once, and then G once against the updated D, with N samples.

        Args:
            real: real images [G, N, D] in [0, 1].

        Returns:
            D's log loss and G's -ln(Y), [G] each, before the updates. They are means over the
            batch, also if the gradient is summed. D's is the mean on real plus the mean on fake
            images.
        """
        count = real.shape[1]
        scale = 1.0 if self.config.reduction == "sum" else 1 / count
        noise = self.noise(count)
        self._made = {count: self.generator.forward(noise, into=self._made.get(count))}
        samples = self._made[count]
        d_loss = self._update_discriminator(real, samples[-1], scale)
        judged = self.discriminator.forward(samples[-1])
        grad = layers.negative_log_of_logit_backward(judged[-1]).mul_(scale)
        grad = self.discriminator.backward_input(judged, grad)
        self.generator_optimizer.step(self.generator.backward_params(samples, grad))
        return d_loss, layers.negative_log_of_logit(judged[-1]).mean((1, 2))

    def _update_discriminator(self, real: Tensor, fake: Tensor, scale: float) -> Tensor:
        net = self.discriminator
        loss = real.new_zeros(len(self.rngs))
        halves = []
        for images, target in ((real, 1.0), (fake, 0.0)):
            outputs = net.forward(images)
            loss += layers.log_loss_of_logit(outputs[-1], target).mean((1, 2))
            grad = layers.log_loss_of_logit_backward(layers.sigmoid(outputs[-1]), target)
            halves.append(net.backward_params(outputs, grad.mul_(scale)))
        grads = [a.add_(b) for a, b in zip(*halves, strict=True)]
        for grad, weight in zip(grads[::2], net.params[::2], strict=True):
            grad.add_(weight, alpha=self.config.discriminator_decay)
        self.discriminator_optimizer.step(grads)
        return loss

    def state_dict(self) -> dict[str, Any]:
        """Return everything on which the next step depends: tensors, ints, lists and dicts.

        The tensors are not copies; the next step changes them.
        """
        return {
            "generator": self.generator.params,
            "discriminator": self.discriminator.params,
            "generator_rule": self.generator_optimizer.state_dict(),
            "discriminator_rule": self.discriminator_optimizer.state_dict(),
            "rngs": [rng.get_state() for rng in self.rngs],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from `state`, bit for bit.

        Raises:
            ValueError: it belongs to another number of GANs or to other widths.
        """
        copy_all(self.generator.params, state["generator"])
        copy_all(self.discriminator.params, state["discriminator"])
        self.generator_optimizer.load_state_dict(state["generator_rule"])
        self.discriminator_optimizer.load_state_dict(state["discriminator_rule"])
        for rng, saved in zip(self.rngs, state["rngs"], strict=True):
            rng.set_state(saved.cpu())


def draw(
    kind: Callable[..., Tensor],
    rngs: Sequence[torch.Generator],
    rows: int,
    columns: int,
    dtype: torch.dtype,
) -> Tensor:
    """Draw [G, rows, columns] with torch.randn or torch.rand, each slice from its own stream."""
    return torch.stack([kind(rows, columns, generator=rng, dtype=dtype) for rng in rngs])


def copy_all(targets: Sequence[Tensor], sources: Sequence[Tensor]) -> None:
    """Copy in place, so that other references to a target have the new values.

    Raises:
        ValueError: the shapes differ.
    """
    if [t.shape for t in targets] != [s.shape for s in sources]:
        raise ValueError("the saved state belongs to other GANs: its shapes do not fit")
    for target, source in zip(targets, sources, strict=True):
        target.copy_(source)
