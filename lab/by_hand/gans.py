"""G small GANs trained side by side, every gradient from `layers`, no autograd.

    rngs = [lab.engine.seeding.random_stream(seed, f"digit {digit}") for digit in digits]
    gans = StackedGans(rngs, pixels=D)    # a single FC layer each, in G and in D
    for step in range(2000):
        d_loss, g_loss = gans.step(real)  # real [G, 200, D] in [0, 1]

The GANs share a batched product and nothing else: each draws from its own generator, so a digit's
numbers do not depend on which others stand beside it, but for the last bits of the product.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import torch
from torch import Tensor

from lab.by_hand import layers
from lab.by_hand.optimizers import Adam, Sgd, copy_all


@dataclass(frozen=True)
class GanSettings:
    """What the GANs of one stack have in common."""

    noise_size: int = 100
    """L, the width of the generator's input."""
    noise: Literal["normal", "uniform"] = "normal"
    """N(0, 1), or uniform in [0, 1), whose mean of 1/2 acts like a second, faster bias."""
    generator_hidden: int = 0
    """The width of the generator's hidden layer; 0 for none."""
    discriminator_hidden: int = 0
    """The width of the discriminator's hidden layer; 0 for none."""
    init_scale: float = 0.01
    """The standard deviation of the weights at the start; the biases start at 0."""
    reduction: Literal["sum", "mean"] = "sum"
    """Whether a gradient is the batch's sum or its mean."""
    optimizer: Literal["sgd", "adam"] = "sgd"
    """How a gradient becomes a step."""
    generator_lr: float = 1e-3
    discriminator_lr: float = 1e-3
    discriminator_decay: float = 0.0
    """c of a penalty c/2 |W|^2 on the discriminator's weights, not on its biases. With one linear
    layer and c = 0 nothing damps the turning of the two players around each other."""


class Perceptrons:
    """G stacks of FC layers with a ReLU between them, each stack on its own inputs.

    Args:
        widths: of the input, the hidden layers and the output.
        relu_last: whether a ReLU follows the last layer too.
        init_scale: standard deviation of the weights; the biases start at 0.
        rngs: G generators on the CPU, one for each stack.
        dtype: of the parameters.
        device: of the parameters.
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
        """The input [G, N, D], then every layer's output after its ReLU where it has one.

        `into` may be an earlier result for as many inputs, no longer needed: its memory is used.
        """
        outputs = [x]
        for i in range(0, len(self.params), 2):
            memory = into[i // 2 + 1] if into else None
            out = layers.linear(outputs[-1], self.params[i], self.params[i + 1], out=memory)
            outputs.append(layers.relu(out, out=out) if self._has_relu(i) else out)
        return outputs

    def backward_params(self, outputs: Sequence[Tensor], grad: Tensor) -> list[Tensor]:
        """The gradients by `params`, in their order.

        Args:
            outputs: what `forward` gave; overwritten, but for the input.
            grad: dJ by the last of the outputs.
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
        """dJ by the input, [G, N, D]; the arguments of `backward_params`."""
        for i in reversed(range(0, len(self.params), 2)):
            out = outputs[i // 2 + 1]
            grad = layers.relu_backward(grad, out, out=out) if self._has_relu(i) else grad
            grad = layers.linear_grad_input(grad, self.params[i])
        return grad

    def _has_relu(self, i: int) -> bool:
        return self.relu_last or i + 2 < len(self.params)


class StackedGans:
    """G GANs, one update of D and then one of G a step.

    The generator is noise -> FC -> ReLU with the objective -ln(Y), the discriminator
    FC -> sigmoid with the log loss; a hidden layer (FC -> ReLU) stands in between where asked for.

    Args:
        rngs: G generators on the CPU, one for each GAN; used up by it from here on.
        settings: sizes, initialisation and optimizer.
        pixels: D, the width of an image.
        dtype: of parameters and noise; the images given must have it too.
        device: of parameters and noise. The draws are made on the CPU: equal on every device.
    """

    def __init__(
        self,
        rngs: Sequence[torch.Generator],
        settings: GanSettings | None = None,
        *,
        pixels: int,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        self.rngs = list(rngs)
        self.settings = chosen = settings or GanSettings()
        self.dtype, self.device = dtype, torch.device(device)

        def perceptrons(*widths: int, relu_last: bool) -> Perceptrons:
            present = [width for width in widths if width]
            scale = chosen.init_scale
            return Perceptrons(present, relu_last, scale, self.rngs, dtype, self.device)

        self.generator = perceptrons(
            chosen.noise_size, chosen.generator_hidden, pixels, relu_last=True
        )
        self.discriminator = perceptrons(pixels, chosen.discriminator_hidden, 1, relu_last=False)
        optimizer = Adam if chosen.optimizer == "adam" else Sgd
        self.generator_optimizer = optimizer(self.generator.params, chosen.generator_lr)
        self.discriminator_optimizer = optimizer(self.discriminator.params, chosen.discriminator_lr)
        self._made: dict[int, list[Tensor]] = {}
        """The generator's activations of the last step by batch size: memory for the next one."""

    def noise(self, count: int, rngs: Sequence[torch.Generator] | None = None) -> Tensor:
        """The next Z [G, count, L] of each GAN's generator, or of `rngs`, one for each GAN."""
        kind = torch.randn if self.settings.noise == "normal" else torch.rand
        size = self.settings.noise_size
        return draw(kind, rngs or self.rngs, count, size, self.dtype).to(self.device)

    def generate(self, noise: Tensor) -> Tensor:
        """The images [G, N, D] of noise [G, N, L]: not below 0, and above 1 where G overshoots."""
        return self.generator.forward(noise)[-1]

    def logits(self, images: Tensor) -> Tensor:
        """F [G, N, 1] of images [G, N, D]; above 0 where D takes an image for a real one."""
        return self.discriminator.forward(images)[-1]

    def step(self, real: Tensor) -> tuple[Tensor, Tensor]:
        """One update of D, and one of G against the updated D, on as many samples as `real` has.

        Args:
            real: [G, N, D] in [0, 1].

        Returns:
            D's log loss and G's -ln(Y), [G] each, before their update, as means over the batch
            whatever the reduction; D's is the mean on real images plus the mean on fakes.
        """
        count = real.shape[1]
        scale = 1.0 if self.settings.reduction == "sum" else 1 / count
        noise = self.noise(count)
        self._made = {count: self.generator.forward(noise, into=self._made.get(count))}
        made = self._made[count]
        d_loss = self._update_discriminator(real, made[-1], scale)
        judged = self.discriminator.forward(made[-1])
        grad = layers.negative_log_of_logit_backward(judged[-1]).mul_(scale)
        grad = self.discriminator.backward_input(judged, grad)
        self.generator_optimizer.step(self.generator.backward_params(made, grad))
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
            grad.add_(weight, alpha=self.settings.discriminator_decay)
        self.discriminator_optimizer.step(grads)
        return loss

    def state_dict(self) -> dict[str, Any]:
        """Everything the next step depends on: tensors, ints, lists and dicts of them only.

        The tensors are the live ones; whoever keeps them past the next step copies them.
        """
        return {
            "generator": self.generator.params,
            "discriminator": self.discriminator.params,
            "generator_rule": self.generator_optimizer.state_dict(),
            "discriminator_rule": self.discriminator_optimizer.state_dict(),
            "rngs": [rng.get_state() for rng in self.rngs],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from `state`, bit for bit.

        Raises:
            ValueError: it comes from another number of GANs or from other widths.
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
    """[G, rows, columns] of torch.randn or torch.rand, each slice from its own generator."""
    return torch.stack([kind(rows, columns, generator=rng, dtype=dtype) for rng in rngs])
