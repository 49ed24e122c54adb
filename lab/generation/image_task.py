"""What every task that learns to make images has: its data, its samples and their measures."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from lab.config.errors import say
from lab.engine.process import random_stream, resolve_precision
from lab.engine.task import Evaluator, Task
from lab.generation import trouble
from lab.generation.config import MakerConfig
from lab.generation.latent import generate
from lab.generation.players import Prior, classes_to_ask_for, network_args
from lab.images.base import Shape, open_data_set
from lab.images.datasets import Batches, as_drawn, load, to_bytes
from lab.images.evaluation import QualityEvaluator, why_not_measured


class ImageTask(Task):
    """A task that trains a network to make images of z.

    A derived class builds its networks in `__init__`, after this one's, and then calls
    `begin_sampling`. It defines `sampled`, `step`, and what is left of `conclude`.

    Args:
        config: the run's config.
        device: cpu, cuda or mps.
    """

    config: MakerConfig
    state: Sequence[str] = ("batches", "steps", "frames", "warnings")
    remedies: ClassVar[Mapping[str, str]] = {}
    """What to change, by the kind of trouble: see lab.generation.trouble."""

    def __init__(self, config: MakerConfig, device: str) -> None:
        self.config, self.device = config, device
        shape = open_data_set(config.data).image_shape
        if shape:  # complain about a component before the images are fetched
            self.try_components(shape)
        self.data = load(config.data)
        if not shape:
            self.try_components(self.data.train.shape)
        self.asked = classes_to_ask_for(config.conditional, self.data, device)
        self.classes = self.asked.names if self.asked else ()
        self.data_checksum = self.data.checksum
        order = random_stream(config.seed, "batches")
        self.batches = Batches(self.data.train.pixels.to(device), config.batch_size, order)
        self.not_measured = why_not_measured(self.data)
        self.measures = None if self.not_measured else QualityEvaluator(self.data, device)
        self.noise = random_stream(config.seed, "noise")
        self.precision = resolve_precision(config.precision, device)
        self.log_every = config.log_every
        self.evaluators = [
            Evaluator("samples", config.sample_every, self.take_samples, at_start=True),
            Evaluator("quality", config.eval_every, self.quality),
        ]
        self.steps = 0
        self.frames: dict[int, Tensor] = {}
        """The images of the sheet by step, uint8 [G, H, W] or [G, H, W, 3]."""
        self.warnings = trouble.Warnings(self.remedies)
        for line in trouble.known_at_start(self.data, config.final_samples if self.measures else 0):
            say(line)
        self.warnings.note(0, trouble.check_images(self.data.train))

    def try_components(self, image_shape: Shape) -> None:
        """Build and try the components, before a classifier is trained."""

    def begin_sampling(self, latent: int) -> None:
        """Draw the inputs of the sheet, given the length of z; `total_steps` is known."""
        self.prior = Prior(latent, self.asked, self.device)
        self.sheet = self.prior.of_sheet(random_stream(self.config.seed, "fixed noise"))
        half = self.total_steps // 2
        if half % self.config.sample_every:  # the sheet at half is drawn whatever sample_every is
            at_half = Evaluator("samples at half", half, self.take_samples)
            self.evaluators = [*self.evaluators, at_half]

    @property
    def sampled(self) -> nn.Module:
        """The generator that samples come from."""
        raise NotImplementedError

    def autocast(self) -> torch.autocast:
        """A context in which matrix products have the precision of the run."""
        return torch.autocast(self.device, torch.bfloat16, self.precision == "bf16")

    @torch.no_grad()
    def take_samples(self) -> Mapping[str, float]:
        """Keep the images of the sheet."""
        images = self.sampled(*network_args(*self.sheet))
        self.frames[self.steps] = as_drawn(to_bytes(images)).cpu()
        clamped = float((images.abs() > 1).double().mean())
        self.warnings.note(self.steps, trouble.check_pixels(clamped))
        return {}

    def quality(self) -> Mapping[str, float]:
        """Measure `eval_samples` samples."""
        return self.only_logged(self.measure(*self.evaluation_samples()))

    def evaluation_samples(self) -> tuple[Tensor, Tensor | None]:
        """Make `eval_samples` images; return them and the classes that were asked for."""
        random = random_stream(self.config.seed, "evaluation")
        z, asked = self.prior.draw(self.config.eval_samples, random)
        return generate(self.sampled, z, asked), asked

    def measure(self, images: Tensor, asked: Tensor | None) -> dict[str, Any]:
        """The metrics of generated images; none if quality is not measured."""
        if not self.measures:
            return {}
        measured = dict(self.measures.measure(images))
        if asked is not None:
            measured["class_accuracy"] = self.measures.class_accuracy(images, asked)
        if self.steps < self.total_steps:  # the end of the run measures `final_samples`
            warnings = trouble.check_quality(measured, len(images), self.measures.features)
            self.warnings.note(self.steps, warnings)
        return measured

    def only_logged(self, measured: Mapping[str, float]) -> dict[str, float]:
        """The metrics that are columns of metrics.csv."""
        return {name: float(measured[name]) for name in self.columns if name in measured}

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "noise": self.noise.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.noise.set_state(state["noise"])

    def of_images(self, network: nn.Module) -> dict[str, Any]:
        """Measure `final_samples` samples; return what a result says of every kind of generator.

        Args:
            network: the generator that the run leaves, in evaluation mode.
        """
        result: dict[str, Any] = {
            "data": self.config.data["name"],
            "image_shape": list(self.data.train.shape),
            "epochs": self.steps / self.batches.steps_per_epoch,
            "parameters": sum(p.numel() for p in network.parameters()),
            "precision_used": self.precision,
        }
        if self.classes:
            result["class_names"] = list(self.classes)
        if self.measures is None:
            result["quality"] = {"not_measured": self.not_measured}
            return {**result, "warnings": self.warnings.lines()}
        random = random_stream(self.config.seed, "final")
        z, labels = self.prior.draw(self.config.final_samples, random)
        images = generate(network, z, labels)
        quality = self.measure(images, labels)
        if labels is not None:
            quality["by_class"] = self.measures.within_classes(images, labels)
        if self.data.channels_of:
            quality |= self.measures.modes(lambda n: generate(network, *self.prior.draw(n, random)))
        warnings = trouble.check_quality(quality, len(images), self.measures.features)
        self.warnings.note(self.steps, warnings)
        classifier = self.measures.classifier
        result["classifier"] = {
            "test_accuracy": float(classifier.test_accuracy),
            "checksum": classifier.checksum[:8],
        }
        return {**result, "quality": quality, "warnings": self.warnings.lines()}
