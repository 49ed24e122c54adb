"""The generation task: one step of the discriminator and of the generator, and the evaluations."""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from lab.config.columns import logged
from lab.config.components import build
from lab.config.errors import UserError
from lab.engine.optimizers import build_optimizer, schedule
from lab.engine.process import random_stream
from lab.engine.task import History, Recorder
from lab.generation import trouble
from lab.generation.config import GanConfig
from lab.generation.image_task import ImageTask
from lab.generation.losses import Loss, gradient_penalty, has_threshold
from lab.generation.players import build_player, latent_size, network_args, rehearse
from lab.generation.study import COLUMNS
from lab.generation.weights import EMA, Best
from lab.images.base import Shape
from lab.images.evaluation import held_out_auc


class GanTask(ImageTask):
    """Train a generator and a discriminator, one step of each on every batch.

    Args:
        config: the run's config.
        device: cpu, cuda or mps.
    """

    config: GanConfig
    state = (*ImageTask.state, "generator", "discriminator", "ema", "best")
    remedies = trouble.REMEDIES

    def __init__(self, config: GanConfig, device: str) -> None:
        super().__init__(config, device)
        if config.keep_best and self.not_measured:
            raise UserError(
                f"keep_best=true needs the FID, which is not measured: {self.not_measured}"
            )
        self.generator, self.discriminator = (
            build_player(
                player, getattr(config, player), self.data.train.shape, len(self.classes)
            ).to(device)
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
        self.begin_sampling(latent_size(self.generator))
        left_out = {"class_accuracy": not self.classes, "training_fid": not config.keep_best}
        self.columns = [name for name in logged(COLUMNS) if not left_out.get(name)]
        self.right_sum, self.right_count = 0.0, 0
        self.best = Best(config.keep_best)

    def try_components(self, image_shape: Shape) -> None:
        rehearse(self.config, image_shape)

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

        with self.autocast():
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
        with self.autocast():
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
        if "d_accuracy" in decided:
            self.right_sum += float(decided["d_accuracy"])
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

        `d_accuracy` is D's accuracy, on pairs if the loss compares pairs. `d_real` and `d_fake` are
        means of the sigmoid.
        """
        decided = {}
        if self.has_threshold:
            decided = {
                "d_real": real_logits.sigmoid().mean(),
                "d_fake": fake_logits.sigmoid().mean(),
                "d_accuracy": torch.cat([real_logits > 0, fake_logits < 0]).float().mean(),
            }
        if self.is_paired:
            decided["d_accuracy"] = (real_logits > fake_logits).float().mean()
        return decided

    def _descend(self, player: str, loss: Tensor) -> None:
        self.optimizers[player].zero_grad()
        loss.backward()
        self.optimizers[player].step()
        self.schedules[player].step()

    def quality(self) -> Mapping[str, float]:
        """Measure `eval_samples` samples, and D's AUC on test images."""
        images, labels = self.evaluation_samples()
        auc = held_out_auc(self.discriminator, self.data.test, images, labels)
        warnings = trouble.check_balance(self.right_sum / max(self.right_count, 1))
        self.right_sum, self.right_count = 0.0, 0
        measured = self.measure(images, labels)
        if measured:
            training_fid = measured["training_fid"]
            warnings |= trouble.check_divergence(training_fid, self.best.lowest)
            self.best.offer(training_fid, self.steps, self.sampled)
        self.warnings.note(self.steps, warnings)
        return {"d_auc": auc, **self.only_logged(measured)}

    def state_dict(self) -> dict[str, Any]:
        return {
            **super().state_dict(),
            "optimizers": {name: o.state_dict() for name, o in self.optimizers.items()},
            "schedules": {name: s.state_dict() for name, s in self.schedules.items()},
            "right": [self.right_sum, self.right_count],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        for name in self.optimizers:
            self.optimizers[name].load_state_dict(state["optimizers"][name])
            self.schedules[name].load_state_dict(state["schedules"][name])
        self.right_sum, self.right_count = state["right"]

    def conclude(self, history: History, recorder: Recorder) -> dict[str, Any]:
        """Measure quality on `final_samples` samples; write the generator and the pictures."""
        from lab.generation import pictures

        network = copy.deepcopy(self.sampled)
        weights = self.best.choose(network, self.steps, recorder)
        title = f"{self.config.short_name}: {self.config.title}"
        samples = self.config.eval_samples
        n = self.measures.reference_values(samples).n if self.measures else 0
        pictures.draw_training(recorder, self.frames, history, title, self.loss, n, self.classes)
        if self.best.weights:
            pictures.draw_best(recorder, network, self.sheet, weights, n, self.classes)
        result = {
            **self.of_images(network),
            "label": self.config.label,
            "weights": weights,
            "players": {name: history[name][-1] for name in ("d_loss", "g_loss", "d_auc")},
        }
        if self.measures:
            space = pictures.Space(network, self.prior, self.measures.classifier, self.data)
            random = random_stream(self.config.seed, "walks")
            result["latent"] = space.draw(recorder, random)
        return result
