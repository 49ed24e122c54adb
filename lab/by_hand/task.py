"""The by-hand task: a GAN for each digit, all computed in batched products.

The keys have the names of S4. `epochs` are training steps: one update of D and one of G with new
random images. `rule` is the optimizer, and `lr` is the generator's learning rate.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from lab.by_hand.batches import ClassBatches, class_images
from lab.by_hand.config import OneLayerConfig
from lab.by_hand.gans import StackedGans
from lab.by_hand.measures import METRICS, Measures, as_images
from lab.by_hand.study import COLUMNS
from lab.config.columns import logged
from lab.config.errors import say
from lab.config.history import with_todays_columns
from lab.engine.process import random_stream
from lab.engine.task import Evaluator, History, Recorder, Task
from lab.images.datasets import as_drawn, load, to_bytes

IMAGES_IN_FRAME = 25


class OneLayerTask(Task):
    """Train G GANs, one for each digit, on random images of their class.

    Each digit has random streams of its own, so that its GAN does not depend on the other digits.

    Args:
        config: the run's config.
        device: cpu, cuda or mps.
    """

    columns = logged(COLUMNS)
    state = ("gans", "images", "steps", "frames", "history")

    def __init__(self, config: OneLayerConfig, device: str) -> None:
        self.config, self.device = config, device
        self.data = load(config.data)
        self.data_checksum = self.data.checksum
        classes = self.data.train.classes
        self.names = {d: classes[d] for d in config.digits if d < len(classes)}
        images = class_images(self.data.train, "train", config.digits)
        self.images = ClassBatches(
            images, config.digits, config.images_per_epoch, self._rngs("images"), device
        )
        self.measures = Measures(self.data, config.digits, config.eval_samples, device)
        pixels = images[0].shape[1]
        if self.data.remark:
            say(self.data.remark)
        self.gans = StackedGans(self._rngs("game"), config, pixels=pixels, device=device)
        self.fixed_z = self.gans.noise(IMAGES_IN_FRAME, self._rngs("fixed noise"))
        self.total_steps = min(config.epochs, config.max_steps or config.epochs)
        self.log_every = config.log_every
        self.evaluators = [Evaluator("quality", config.frame_every, self.quality, at_start=True)]
        self.steps = 0
        self.frames: dict[int, Tensor] = {}
        """Samples of the same z by step, uint8 [G, 25, H, W] or [G, 25, H, W, 3]."""
        self.history: dict[int, Mapping[str, list[float]]] = {}
        """The metrics by step and name, [G] each."""

    def _rngs(self, purpose: str) -> list[torch.Generator]:
        return [
            random_stream(self.config.seed, f"{purpose} {digit}") for digit in self.config.digits
        ]

    def step(self) -> Mapping[str, Tensor]:
        """Update each D and then each G; return the losses, means over the digits."""
        d_loss, g_loss = self.gans.step(self.images.next())
        self.steps += 1
        return {"d_loss": d_loss.mean(), "g_loss": g_loss.mean()}

    def quality(self) -> Mapping[str, float]:
        """Keep a frame and the metrics of each digit; return their means over the digits."""
        images = as_images(self.gans.generate(self.fixed_z), self.measures.shape)
        self.frames[self.steps] = as_drawn(to_bytes(images)).cpu()
        z = self.gans.noise(self.measures.count, self._rngs("evaluation"))
        measured = self.measures.measure(self.gans, z)
        self.history[self.steps] = measured
        return {name: sum(values) / len(values) for name, values in measured.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.history = with_todays_columns(self.history)

    def conclude(self, history: History, recorder: Recorder) -> dict[str, Any]:
        """Write weights and pictures; return the metrics at the end and at the best frames."""
        from lab.by_hand import figures

        recorder.weights(self._weights())
        best = {digit: self._best_step(index) for index, digit in enumerate(self.config.digits)}
        floor = sum(self.measures.floors) / len(best)
        title = f"{self.config.short_name}: {self.config.label}"
        figures.draw_run(
            recorder, self.frames, self.history, history, self.names, best, floor, title
        )
        at_best = {
            name: [self.history[step][name][i] for i, step in enumerate(best.values())]
            for name in ("classifier_accuracy", "fid", "correlation")
        }
        return {
            "data": self.config.data["name"],
            "image_shape": list(self.measures.shape),
            "label": self.config.label,
            "epochs": self.steps,
            **{name: history[name][-1] for name in self.columns},
            **{f"best_{name}": sum(values) / len(values) for name, values in at_best.items()},
            "worst_best_classifier_accuracy": min(at_best["classifier_accuracy"]),
            "fid_floor": floor,
            "n": self.measures.count,
            "parameters": sum(p[0].numel() for p in self.gans.generator.params),
            "judge": self.measures.classifier.checksum[:8],
            "digits": {
                self.names[digit]: {
                    "best_epoch": step,
                    "fid_floor": self.measures.floors[i],
                    **{
                        name: {str(s): self.history[s][name][i] for s in self.history}
                        for name in METRICS
                    },
                }
                for i, (digit, step) in enumerate(best.items())
            },
        }

    def _best_step(self, index: int) -> int:
        """The step of the frame with the largest share that is read; of several, the lowest FID."""

        def rank(step: int) -> tuple[float, float]:
            measured = self.history[step]
            return -measured["classifier_accuracy"][index], measured["fid"][index]

        # Step 0 is left out, because the classifier reads even noise as a class: 1, on MNIST.
        return min((step for step in self.history if step > 0), key=rank)

    def _weights(self) -> dict[str, Tensor]:
        """The weights by their names in the equations, W_G [G, L, D]; or W_G1, W_G2."""
        weights = {}
        for player, net in (("G", self.gans.generator), ("D", self.gans.discriminator)):
            layers = len(net.params) // 2
            for i, param in enumerate(net.params):
                layer = str(i // 2 + 1) if layers > 1 else ""
                weights[f"{'WB'[i % 2]}_{player}{layer}"] = param
        return weights
