"""The generation task: one step of the discriminator and of the generator, and the evaluations."""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from lab.config.columns import logged
from lab.config.components import build
from lab.config.errors import UserError, say
from lab.engine.devices import resolve_precision
from lab.engine.optimizers import build_optimizer, schedule
from lab.engine.seeding import random_stream
from lab.engine.task import Evaluator, History, Recorder, Task
from lab.generation import trouble
from lab.generation.config import GanConfig
from lab.generation.latent import generate
from lab.generation.losses import Loss, gradient_penalty, has_threshold
from lab.generation.players import (
    Prior,
    build_player,
    classes_to_ask_for,
    latent_size,
    network_args,
    rehearse,
)
from lab.generation.study import COLUMNS
from lab.generation.weights import EMA, Best
from lab.images.base import open_data_set
from lab.images.columns import QUALITY
from lab.images.datasets import Batches, as_drawn, load, to_bytes
from lab.images.evaluation import QualityEvaluator, held_out_auc, why_not_measured

METRICS = logged(QUALITY)


class GanTask(Task):
    """Train a generator and a discriminator, one step of each on every batch.

    Args:
        config: the run's config.
        device: cpu, cuda or mps.

    Raises:
        UserError: the data cannot be loaded, or a component refuses its arguments.
    """

    def __init__(self, config: GanConfig, device: str) -> None:
        self.config, self.device = config, device
        known = open_data_set(config.data).image_shape
        if known:  # complain about a component before the images are fetched
            rehearse(config, known)
        self.data = load(config.data)
        if not known:
            rehearse(config, self.data.train.shape)
        asked = classes_to_ask_for(config.conditional, self.data, device)
        self.data_checksum = self.data.checksum
        order = random_stream(config.seed, "batches")
        self.batches = Batches(self.data.train.pixels.to(device), config.batch_size, order)
        self.not_measured = why_not_measured(self.data)
        if config.keep_best and self.not_measured:
            raise UserError(
                f"keep_best=true needs the FID, which is not measured: {self.not_measured}"
            )
        self.measures = None if self.not_measured else QualityEvaluator(self.data, device)
        shape = self.data.train.shape
        classes = len(asked.names) if asked else 0
        self.generator, self.discriminator = (
            build_player(player, getattr(config, player), shape, classes).to(device)
            for player in ("generator", "discriminator")
        )
        self.loss = build("loss", config.loss, base=Loss)
        self.is_paired = getattr(self.loss, "is_paired", False)
        self.has_threshold = has_threshold(self.loss)
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
        self.noise = random_stream(config.seed, "noise")
        self.prior = Prior(latent_size(self.generator), asked, device)
        self.sheet = self.prior.of_sheet(random_stream(config.seed, "fixed noise"))
        left_out = {"read_as_asked": not asked, "training_fid": not config.keep_best}
        self.columns = [name for name in logged(COLUMNS) if not left_out.get(name)]
        self.log_every = config.log_every
        self.evaluators = [
            Evaluator("samples", config.sample_every, self.take_samples, at_start=True),
            Evaluator("quality", config.eval_every, self.quality),
        ]
        self.steps = 0
        self.frames: dict[int, Tensor] = {}
        """The images of the sheet by step, uint8 [G, H, W] or [G, H, W, 3]."""
        self.right_sum, self.right_count = 0.0, 0
        self.best, self.warnings = Best(config.keep_best), trouble.Warnings()
        self.precision = resolve_precision(config.precision, device)
        for line in trouble.known_at_start(self.data, config.final_samples if self.measures else 0):
            say(line)
        self.warnings.note(0, trouble.check_images(self.data.train))

    @property
    def sampled(self) -> nn.Module:
        """The generator that samples come from: the average if there is one."""
        network: nn.Module = self.ema.network if self.ema else self.generator
        return network

    def step(self) -> Mapping[str, Tensor]:
        """Train both players on one batch; the generator's step uses the same generated images."""
        real = self.batches.next()  # [B, C, H, W]
        labels = self.prior.labels_of(self.batches.chosen)  # G is asked for the classes of `real`

        def score(images: Tensor) -> Tensor:
            logits: Tensor = self.discriminator(*network_args(images, labels))
            return logits

        with torch.autocast(self.device, torch.bfloat16, self.precision == "bf16"):
            fake = self.generator(*network_args(self.prior.z(len(real), self.noise), labels))
            real_logits, fake_logits = score(torch.cat([real, fake.detach()])).chunk(2)
        real_logits, fake_logits = real_logits.float(), fake_logits.float()
        d_loss = self.loss.discriminator(real_logits, fake_logits)
        if self.config.gradient_penalty:
            penalty = gradient_penalty(score, real, fake.float())
            d_loss = d_loss + self.config.gradient_penalty * penalty
        if hasattr(self.loss, "penalty") and self.steps % self.loss.penalty_every == 0:
            d_loss = d_loss + self.loss.penalty(score, real, fake.float())
        lr = torch.tensor(self.schedules["generator"].get_last_lr()[0], dtype=torch.float64)
        self._descend("discriminator", d_loss)

        self.discriminator.requires_grad_(False)  # G's step does not need D's gradients
        with torch.autocast(self.device, torch.bfloat16, self.precision == "bf16"):
            scored = [score(fake).float()]
            if self.is_paired:
                with torch.no_grad():
                    scored.append(score(real).float())
        g_loss = self.loss.generator(*scored)
        self._descend("generator", g_loss)
        self.discriminator.requires_grad_(True)

        if self.ema:
            self.ema.update(self.generator)
        self.steps += 1
        decided = self._decided(real_logits.detach(), fake_logits.detach())
        if "d_right" in decided:
            self.right_sum += float(decided["d_right"])
            self.right_count += 1
        return {
            "lr": lr,
            "d_loss": d_loss.detach(),
            "g_loss": g_loss.detach(),
            **decided,
            "d_real_score": real_logits.detach().mean(),
            "d_fake_score": fake_logits.detach().mean(),
        }

    def _decided(self, real_logits: Tensor, fake_logits: Tensor) -> dict[str, Tensor]:
        """What D decides about a batch, as far as it has a meaning for the loss.

        `d_right` is D's accuracy, on pairs if the loss compares pairs. `d_real` and `d_fake` are
        means of the sigmoid.
        """
        decided = {}
        if self.has_threshold:
            decided = {
                "d_real": real_logits.sigmoid().mean(),
                "d_fake": fake_logits.sigmoid().mean(),
                "d_right": torch.cat([real_logits > 0, fake_logits < 0]).float().mean(),
            }
        if self.is_paired:
            decided["d_right"] = (real_logits > fake_logits).float().mean()
        return decided

    def _descend(self, player: str, loss: Tensor) -> None:
        self.optimizers[player].zero_grad()
        loss.backward()
        self.optimizers[player].step()
        self.schedules[player].step()

    @torch.no_grad()
    def take_samples(self) -> Mapping[str, float]:
        """Keep the images of the sheet."""
        images = self.sampled(*network_args(*self.sheet))
        self.frames[self.steps] = as_drawn(to_bytes(images)).cpu()
        clamped = float((images.abs() > 1).double().mean())
        self.warnings.note(self.steps, trouble.check_pixels(clamped))
        return {}

    def quality(self) -> Mapping[str, float]:
        """Measure quality on `eval_samples` samples, and D's AUC on test images."""
        random = random_stream(self.config.seed, "evaluation")
        z, asked = self.prior.draw(self.config.eval_samples, random)
        fake = generate(self.sampled, z, asked)
        metrics = {"d_auc": held_out_auc(self.discriminator, self.data.test, fake, asked)}
        found = trouble.check_balance(self.right_sum / max(self.right_count, 1))
        self.right_sum, self.right_count = 0.0, 0
        if self.measures:
            measured = self.measures.measure(fake)
            metrics |= {name: float(measured[name]) for name in METRICS}
            training_fid = measured["training_fid"]
            if self.config.keep_best:
                metrics["training_fid"] = training_fid
            if asked is not None:
                metrics["read_as_asked"] = self.measures.read_as_asked(fake, asked)
            if self.steps < self.total_steps:  # the end of the run measures `final_samples`
                found |= trouble.check_quality(measured, len(fake), self.measures.features)
            found |= trouble.check_divergence(training_fid, self.best.lowest)
            self.best.offer(training_fid, self.steps, self.sampled)
        self.warnings.note(self.steps, found)
        return metrics

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
            "best": self.best.state_dict(),
            "warnings": self.warnings.state_dict(),
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
        if "best" in state:  # not in a checkpoint of an earlier version
            self.best.load_state_dict(state["best"])
            self.warnings.load_state_dict(state["warnings"])

    def conclude(self, history: History, recorder: Recorder) -> dict[str, Any]:
        """Measure quality on `final_samples` samples; write the generator and the pictures."""
        from lab.generation import pictures

        network = copy.deepcopy(self.sampled)
        chosen = self.best.choose(network, self.steps, recorder)
        title = f"{self.config.short_name}: {self.config.title}"
        samples = self.config.eval_samples
        n = self.measures.reference_values(samples).n if self.measures else 0
        classes = self.prior.asked.names if self.prior.asked else ()
        pictures.draw_training(recorder, self.frames, history, title, self.loss, n, classes)
        if self.best.weights:
            pictures.draw_best(recorder, network, self.sheet, chosen, n, classes)
        result = {
            "data": self.config.data["name"],
            "image_shape": list(self.data.train.shape),
            "label": self.config.label,
            "epochs": self.steps / self.batches.steps_per_epoch,
            "parameters": sum(p.numel() for p in self.generator.parameters()),
            "precision_used": self.precision,
            "weights": chosen,
            "players": {name: history[name][-1] for name in ("d_loss", "g_loss", "d_auc")},
        }
        if classes:
            result["class_names"] = list(classes)
        if self.measures is None:
            not_measured = {"not_measured": self.not_measured}
            return {**result, "warnings": self.warnings.lines(), "quality": not_measured}
        random = random_stream(self.config.seed, "final")
        z, asked = self.prior.draw(self.config.final_samples, random)
        classifier = self.measures.classifier
        images = generate(network, z, asked)
        quality: dict[str, Any] = dict(self.measures.measure(images))
        if asked is not None:
            quality["read_as_asked"] = self.measures.read_as_asked(images, asked)
            quality["by_class"] = self.measures.within_classes(images, asked)
        if self.data.channels_of:
            quality |= self.measures.modes(lambda n: generate(network, *self.prior.draw(n, random)))
        found = trouble.check_quality(quality, len(z), self.measures.features)
        self.warnings.note(self.steps, found)
        space = pictures.Space(network, self.prior, classifier, self.data)
        return {
            **result,
            "warnings": self.warnings.lines(),
            "classifier": {
                "test_accuracy": float(classifier.test_accuracy),
                "checksum": classifier.checksum[:8],
            },
            "quality": quality,
            "latent": space.draw(recorder, random_stream(self.config.seed, "walks")),
        }
