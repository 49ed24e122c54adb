"""The generation task: the discriminator's step, the generator's, and what comes of them."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from lab.config.components import build
from lab.config.errors import UserError, say
from lab.engine.devices import resolve_precision
from lab.engine.optimizers import build_optimizer
from lab.engine.recorder import History, Recorder
from lab.engine.run_folder import weight_bytes
from lab.engine.schedules import schedule
from lab.engine.seeding import generator
from lab.engine.task import Evaluator, Task
from lab.generation.config import GanConfig
from lab.generation.latent import generate
from lab.generation.losses import Loss, gradient_penalty
from lab.generation.networks import EMA
from lab.generation.rehearsal import rehearse
from lab.images.base import open_data_set
from lab.images.datasets import Batches, as_drawn, load, to_bytes, to_float
from lab.images.evaluation import QualityEvaluator, held_out_auc, why_not_measured

GRID = 25
# The discriminator overpowers when it is right this often between two evaluations of quality.
OVERPOWERING = 0.99
FIGURES = ("fid", "precision", "recall", "density", "coverage", "class_balance", "classes", "clear")


class GanTask(Task):
    """Two players, one step each a batch.

    Args:
        config: of the run.
        device: cpu, cuda or mps.

    Raises:
        UserError: the data cannot be had, or a component refuses its arguments.
    """

    columns = (
        *("lr", "d_loss", "g_loss", "d_real", "d_fake", "d_right", "d_auc"),
        *FIGURES,
    )
    tags: ClassVar = {
        "lr": "train/lr",
        **{name: f"players/{name}" for name in columns if name not in ("lr", *FIGURES)},
        **{name: f"quality/{name}" for name in FIGURES},
    }

    def __init__(self, config: GanConfig, device: str) -> None:
        self.config, self.device = config, device
        known = open_data_set(config.data).image_shape
        if known:  # a wrong argument is told before the images are fetched
            rehearse(config, known)
        self.data = load(config.data)
        if not known:
            rehearse(config, self.data.train.shape)
        self.data_checksum = self.data.checksum
        order = generator(config.seed, "batches")
        self.batches = Batches(self.data.train.pixels.to(device), config.batch_size, order)
        self.not_measured = why_not_measured(self.data)
        self.measures = None if self.not_measured else QualityEvaluator(self.data, device)
        shape = self.data.train.shape
        self.generator = build("generator", config.generator, image_shape=shape).to(device)
        self.discriminator = build("discriminator", config.discriminator, image_shape=shape).to(
            device
        )
        self.loss = build("loss", config.loss, base=Loss)
        self.ema = EMA(self.generator, config.ema) if config.ema is not None else None
        d_lr = config.discriminator_lr or config.optimizer["lr"]
        self.optimizers = {
            name: build_optimizer({**config.optimizer, "lr": lr}, player.parameters())
            for name, player, lr in (
                ("generator", self.generator, config.optimizer["lr"]),
                ("discriminator", self.discriminator, d_lr),
            )
        }
        budget = config.epochs * self.batches.steps_per_epoch
        self.total_steps = min(budget, config.max_steps or budget)
        self.schedules = {
            name: schedule(config.lr_schedule, o, total_steps=self.total_steps, halve_every=1)
            for name, o in self.optimizers.items()
        }
        self.noise = generator(config.seed, "noise")
        self.fixed_z = self._draw_z(GRID, generator(config.seed, "fixed noise"))
        self.log_every = config.log_every
        self.evaluators = [
            Evaluator("samples", config.sample_every, self.take_samples, at_start=True),
            Evaluator("quality", config.eval_every, self.quality),
        ]
        self.steps = 0
        self.frames: dict[int, Tensor] = {}
        """The images of the fixed z by step, uint8 [25, H, W] or [25, H, W, 3]."""
        self.right_sum, self.right_count = 0.0, 0
        self.precision = resolve_precision(config.precision, device)
        if self.data.remark:
            say(self.data.remark)

    def _draw_z(self, count: int, random: torch.Generator) -> Tensor:
        """z from the standard normal prior, [count, latent]."""
        return torch.randn(count, self.generator.latent, generator=random).to(self.device)

    @property
    def sampled(self) -> nn.Module:
        """The generator that is sampled from: the average one, where there is one."""
        network: nn.Module = self.ema.network if self.ema else self.generator
        return network

    def step(self) -> Mapping[str, Tensor]:
        """One batch for the discriminator, the same generated images for the generator."""
        real = self.batches.next()  # [B, C, H, W]
        with torch.autocast(self.device, torch.bfloat16, self.precision == "bf16"):
            fake = self.generator(self._draw_z(len(real), self.noise))
            real_logits, fake_logits = self.discriminator(torch.cat([real, fake.detach()])).chunk(2)
        real_logits, fake_logits = real_logits.float(), fake_logits.float()
        d_loss = self.loss.discriminator(real_logits, fake_logits)
        if self.config.gradient_penalty:
            penalty = gradient_penalty(self.discriminator, real, fake.float())
            d_loss = d_loss + self.config.gradient_penalty * penalty
        lr = torch.tensor(self.schedules["generator"].get_last_lr()[0], dtype=torch.float64)
        self._descend("discriminator", d_loss)

        # Its weights' gradients would be computed only to be thrown away.
        self.discriminator.requires_grad_(False)
        with torch.autocast(self.device, torch.bfloat16, self.precision == "bf16"):
            judged = self.discriminator(fake)
        g_loss = self.loss.generator(judged.float())
        self._descend("generator", g_loss)
        self.discriminator.requires_grad_(True)

        if self.ema:
            self.ema.update(self.generator)
        self.steps += 1
        right = torch.cat([real_logits > 0, fake_logits < 0]).float().mean()
        self.right_sum, self.right_count = self.right_sum + float(right), self.right_count + 1
        return {
            "lr": lr,
            "d_loss": d_loss.detach(),
            "g_loss": g_loss.detach(),
            "d_real": real_logits.detach().sigmoid().mean(),
            "d_fake": fake_logits.detach().sigmoid().mean(),
            "d_right": right,
        }

    def _descend(self, player: str, loss: Tensor) -> None:
        self.optimizers[player].zero_grad()
        loss.backward()
        self.optimizers[player].step()
        self.schedules[player].step()

    @torch.no_grad()
    def take_samples(self) -> Mapping[str, float]:
        """Keep the images of the fixed z."""
        images = self.sampled.eval()(self.fixed_z)
        self.generator.train()
        self.frames[self.steps] = as_drawn(to_bytes(images)).cpu()
        return {}

    def quality(self) -> Mapping[str, float]:
        """Quality at a cheap number of samples, and what D makes of images never trained on."""
        z = self._draw_z(self.config.eval_samples, generator(self.config.seed, "evaluation"))
        self.discriminator.eval()
        fake = generate(self.sampled.eval(), z)
        metrics = {"d_auc": held_out_auc(self.discriminator, self.data.test, fake)}
        self.discriminator.train()
        self.generator.train()
        measured: Mapping[str, float] = {}
        if self.measures:
            measured = self.measures.measure(fake)
            metrics |= {name: float(measured[name]) for name in FIGURES}
        self._warn(measured)
        return metrics

    def _warn(self, measured: Mapping[str, float]) -> None:
        """Say in words what the figures mean when one of the players has lost."""
        right = self.right_sum / max(self.right_count, 1)
        self.right_sum, self.right_count = 0.0, 0
        if right > OVERPOWERING:
            say(f"step {self.steps}: D is right {right:.1%} of the time; G learns little from it")
        if measured and measured["classes"] < measured["real_classes"]:
            made, wanted = measured["classes"], measured["real_classes"]
            say(
                f"step {self.steps}: G makes only {made} of the {wanted} classes that as many real "
                "images show (a class counts from a fifth of its share)"
            )

    def state_dict(self) -> dict[str, Any]:
        return {
            "generator": self.generator.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "ema": self.ema.state_dict() if self.ema else None,
            "optimizers": {name: o.state_dict() for name, o in self.optimizers.items()},
            "schedules": {name: s.state_dict() for name, s in self.schedules.items()},
            "batches": self.batches.state_dict(),
            "noise": self.noise.get_state(),
            "steps": self.steps,
            "frames": self.frames,
            "right": [self.right_sum, self.right_count],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.generator.load_state_dict(state["generator"])
        self.discriminator.load_state_dict(state["discriminator"])
        if self.ema:
            self.ema.load_state_dict(state["ema"])
        for name in self.optimizers:
            self.optimizers[name].load_state_dict(state["optimizers"][name])
            self.schedules[name].load_state_dict(state["schedules"][name])
        self.batches.load_state_dict(state["batches"])
        self.noise.set_state(state["noise"])
        self.steps, self.frames = state["steps"], state["frames"]
        self.right_sum, self.right_count = state["right"]

    @torch.no_grad()
    def check(self) -> None:
        """Try two generated and two real images, and pack the weights.

        Raises:
            UserError: the generator's images are not like the real ones, or the discriminator does
                not give one logit for each image.
        """
        real = to_float(self.data.test.pixels[:2].to(self.device))
        fake = self.sampled.eval()(self.fixed_z[: len(real)])
        self.generator.train()
        self._expect("generator", fake, real.shape, "images")
        for images in (real, fake):
            logits = self.discriminator.eval()(images)
            self.discriminator.train()
            self._expect("discriminator", logits, real.shape[:1], "a logit for each image")
        weight_bytes(self.sampled.state_dict())

    def _expect(self, player: str, got: Tensor, shape: torch.Size, words: str) -> None:
        if got.shape != shape:
            component = getattr(self.config, player)["_target_"]
            raise UserError(
                f"{player} {component} gives {list(got.shape)} for {shape[0]} images, "
                f"expected {list(shape)}: {words}"
            )

    def conclude(self, history: History, recorder: Recorder) -> dict[str, Any]:
        """The full figures of quality; generator, pictures and walks into the folder."""
        from lab.generation import pictures

        network = self.sampled.eval()
        recorder.weights(network.state_dict())
        title = f"{self.config.readable_name}: {self.config.title}"
        is_cross_entropy = getattr(self.loss, "is_cross_entropy", False)
        pictures.of_training(recorder, self.frames, history, title, is_cross_entropy)
        result = {
            "data": self.config.data["name"],
            "image_shape": list(self.data.train.shape),
            "label": self.config.label,
            "epochs": self.steps / self.batches.steps_per_epoch,
            "d_loss": history["d_loss"][-1],
            "g_loss": history["g_loss"][-1],
            "d_auc": history["d_auc"][-1],
            "parameters": sum(p.numel() for p in self.generator.parameters()),
            "precision_used": self.precision,
        }
        if self.measures is None:
            return {**result, "not_measured": self.not_measured}
        z = self._draw_z(self.config.final_samples, generator(self.config.seed, "final"))
        result |= self.measures.measure(generate(network, z))
        result["judge_accuracy"] = float(self.measures.classifier.test_accuracy)
        result["judge"] = self.measures.classifier.checksum[:8]
        walks = generator(self.config.seed, "walks")
        return result | pictures.of_latent_space(
            recorder, network, self.measures.classifier, self.data.train, walks
        )
