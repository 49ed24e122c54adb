"""Flow matching, a study of images in one file outside `lab`.

    cd examples && python -m lab --config-dir conf task=flow

A network learns the velocity that carries noise to images along straight lines (Lipman et al. 2023,
"Flow Matching for Generative Modeling"; Liu et al. 2023, "Flow Straight and Fast"). A sample begins
as noise and follows the velocity in a few steps. `ImageTask` brings the images, the classifier, the
metrics and the samples during training.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss, one_hot, pixel_shuffle, pixel_unshuffle, silu

from lab.config import Component, Count, config
from lab.config.columns import Column, logged
from lab.config.components import build
from lab.engine.optimizers import build_optimizer, schedule
from lab.engine.task import History, Recorder
from lab.figures import sheets
from lab.generation.config import Decay, MakerConfig
from lab.generation.image_task import ImageTask
from lab.generation.players import COLUMNS as CLASS_COLUMNS
from lab.generation.study import headline, objective, sweep_figures
from lab.generation.weights import EMA
from lab.images.base import Shape
from lab.images.columns import QUALITY

# `lab` looks for COLUMNS, build_task, load_network and these three, which are the GAN's.
__all__ = ["headline", "objective", "sweep_figures"]
COLUMNS = (
    Column("lr", "learning rate", "train/lr", is_logged=True),
    Column("loss", "squared error of the velocity", "train/loss", is_logged=True),
    *QUALITY,
    Column("evaluations", "evaluations of the network for an image"),
)


@config
class FlowConfig(MakerConfig):
    """The keys that conf/task/flow.yaml gives values, besides those of every maker of images."""

    velocity: Component
    ema: Decay
    solver: Literal["euler", "heun"]
    solver_steps: Count
    also_steps: list[Count]

    NAME_PARTS: ClassVar = {
        "velocity.width": ("w{}", 32),
        "optimizer.lr": ("lr{}", 2e-3),
        "max_steps": ("steps{}", 7200),
        "solver": ("{}", "heun"),
        "solver_steps": ("n{}", 10),
        "conditional": ("conditional", False),
    }


class Block(nn.Module):
    """Two convolutions beside a shortcut; the time scales and shifts what enters them."""

    def __init__(self, width: int, told: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(8, width, affine=False)
        self.scale_and_shift = nn.Linear(told, 2 * width)
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)  # a block begins as the identity

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        scale, shift = self.scale_and_shift(told)[:, :, None, None].chunk(2, dim=1)
        x_in = silu(torch.addcmul(shift, self.norm(x), 1 + scale))
        return x + self.second(silu(self.first(x_in)))


class Dense(nn.Module):
    """Two linear layers over all places beside a shortcut, so that each place knows the others."""

    def __init__(self, width: int, places: int, told: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(8, width)
        self.squeeze, self.widen = nn.Conv2d(width, 16, 1), nn.Conv2d(16, width, 1)
        self.first, self.time = nn.Linear(16 * places, 512), nn.Linear(told, 512)
        self.second = nn.Linear(512, 16 * places)
        nn.init.zeros_(self.widen.weight)  # it begins as the identity

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        few = self.squeeze(self.norm(x)).contiguous()  # [B, 16, H, W]
        hidden = silu(self.first(few.flatten(1)) + self.time(told))
        return x + self.widen(silu(self.second(hidden)).view_as(few))


class UNet(nn.Module):
    """The velocity [B, C, H, W] of points between noise and image, [B, C, H, W], at times t [B].

    Each 2x2 pixels are one point with four channels. Blocks work there, at half of that size, and
    there again. In the middle a dense layer sees the whole image.

    Args:
        width: the channels; there are twice as many at the smaller size.
        blocks: the number of blocks at each of the three places.
        image_shape: C, H, W; sides are multiples of 4.
        classes: the number of classes; 0: not conditional.
    """

    def __init__(
        self, width: Count, blocks: Count = 1, *, image_shape: Shape, classes: int = 0
    ) -> None:
        super().__init__()
        channels, *sides = image_shape
        if width % 8 or any(side % 4 for side in sides):
            raise ValueError("width must be a multiple of 8, and the images' sides of 4")
        told = 4 * width
        self.time = nn.Sequential(nn.Linear(64, told), nn.SiLU(), nn.Linear(told, told))
        self.of_class = nn.Linear(classes, told, bias=False) if classes else None
        self.classes = classes

        def some(size: int) -> nn.ModuleList:
            return nn.ModuleList(Block(size, told) for _ in range(blocks))

        self.first = nn.Conv2d(4 * channels, width, 3, padding=1)
        self.before, self.small, self.after = some(width), some(2 * width), some(width)
        self.down = nn.Conv2d(width, 2 * width, 2, stride=2)
        self.dense = Dense(2 * width, sides[0] * sides[1] // 16, told)
        self.up = nn.ConvTranspose2d(2 * width, width, 2, stride=2)
        self.last = nn.Sequential(
            nn.GroupNorm(8, width), nn.SiLU(), nn.Conv2d(width, 4 * channels, 3, padding=1)
        )
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor, t: Tensor, labels: Any = None) -> Tensor:
        angles = t[:, None] * torch.logspace(0, 1.2, 32, device=t.device)
        told = self.time(torch.cat([angles.sin(), angles.cos()], dim=1))
        if self.of_class is not None:
            shares = labels if labels.is_floating_point() else one_hot(labels, self.classes).float()
            told = told + self.of_class(shares)
        told = silu(told)
        x = self.first(pixel_unshuffle(x, 2))
        for block in self.before:
            x = block(x, told)
        small = self.down(x)
        for block in self.small:
            small = block(small, told)
        x = x + self.up(self.dense(small, told))
        for block in self.after:
            x = block(x, told)
        return pixel_shuffle(self.last(x), 2)


class Flow(nn.Module):
    """The generator: noise [B, C * H * W] follows the velocity from t=0 to an image at t=1."""

    def __init__(self, config: FlowConfig, shape: Shape, classes: int) -> None:
        super().__init__()
        self.velocity = build("velocity", config.velocity, image_shape=shape, classes=classes)
        self.shape, self.latent = shape, shape[0] * shape[1] * shape[2]
        self.steps, self.order = config.solver_steps, {"euler": 1, "heun": 2}[config.solver]

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        def v(x: Tensor, t: float) -> Tensor:
            velocity: Tensor = self.velocity(x, torch.full((len(x),), t, device=x.device), labels)
            return velocity.float()

        x, h = z.view(-1, *self.shape), 1 / self.steps
        for step in range(self.steps):
            slope = v(x, step * h)
            if self.order == 2:
                slope = (slope + v(x + h * slope, (step + 1) * h)) / 2
            x = x + h * slope
        return x.clamp(-1, 1)


class FlowTask(ImageTask):
    """Train the velocity at points of straight lines between noise and images."""

    config: FlowConfig
    columns = logged(COLUMNS)
    state = (*ImageTask.state, "flow", "ema", "optimizer", "schedule")

    def __init__(self, config: FlowConfig, device: str) -> None:
        super().__init__(config, device)
        self.flow = Flow(config, self.data.train.shape, len(self.classes)).to(device)
        self.ema = EMA(self.flow, config.ema)
        self.optimizer = build_optimizer(config.optimizer, self.flow.parameters())
        end = self.total_steps = config.max_steps or 10 * self.batches.steps_per_epoch
        self.schedule = schedule(config.lr_schedule, self.optimizer, total_steps=end, halve_every=1)
        self.begin_sampling(self.flow.latent)

    def try_components(self, image_shape: Shape) -> None:
        with torch.random.fork_rng(devices=[]):
            Flow(self.config, image_shape, classes=0)

    @property
    def sampled(self) -> nn.Module:
        return self.ema.network

    def step(self) -> Mapping[str, Tensor]:
        image = self.batches.next()  # [B, C, H, W]
        labels = self.prior.labels_of(self.batches.chosen)
        noise = self.prior.z(len(image), self.noise).view_as(image)
        # Logit-normal times: the middle of the way is the hardest part (Esser et al. 2024, 3.1).
        t = torch.randn(len(image), generator=self.noise).sigmoid().to(self.device)
        point = torch.lerp(noise, image, t[:, None, None, None])
        with self.autocast():
            velocity = self.flow.velocity(point, t, labels)
        loss = mse_loss(velocity.float(), image - noise)
        lr = torch.tensor(self.schedule.get_last_lr()[0])
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.schedule.step()
        self.ema.update(self.flow)
        self.steps += 1
        return {"lr": lr, "loss": loss.detach()}

    def quality(self) -> Mapping[str, float]:
        with self.autocast():
            return super().quality()

    def conclude(self, history: History, recorder: Recorder) -> dict[str, Any]:
        flow: Any = self.ema.network
        recorder.weights(flow.state_dict())
        steps = sorted(self.frames)
        frames = torch.stack([self.frames[step] for step in steps]).numpy()
        sheet, columns = frames / 127.5 - 1, CLASS_COLUMNS if self.classes else 5
        grid = sheets.image_grid(sheet[-1], columns, f"step {self.steps:,}", self.classes)
        recorder.figure("samples_end", grid, tag="samples", step=self.steps)
        recorder.file("training.gif", lambda file: sheets.animation(sheet, columns, file))
        recorder.file(sheets.FRAMES, lambda file: sheets.save_frames(frames, steps, file))
        with self.autocast():
            result = {**self.of_images(flow), "evaluations": flow.steps * flow.order}
            if self.measures and self.config.also_steps:
                result["fid_by_evaluations"] = {}
                for flow.steps in self.config.also_steps:
                    fid = self.measures.measure(self.evaluation_samples()[0])["fid"]
                    result["fid_by_evaluations"][str(flow.steps * flow.order)] = fid
        return result


build_task = FlowTask


def load_network(config: FlowConfig, weights: dict[str, Tensor], result: Mapping[str, Any]) -> Flow:
    flow = Flow(config, tuple(result["image_shape"]), len(result.get("class_names", ())))
    flow.load_state_dict(weights)
    return flow.eval()
