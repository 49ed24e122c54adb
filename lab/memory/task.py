"""The memory task: loss, gradient clipping, early stop, curricula and the final tests."""

import copy
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from lab.config.columns import logged
from lab.config.errors import UserError
from lab.engine.optimizers import build_optimizer, schedule
from lab.engine.process import random_stream
from lab.engine.run_folder import weight_bytes
from lab.engine.task import Evaluator, History, Patience, Recorder, Task
from lab.memory.config import MemoryConfig
from lab.memory.layers import is_recurrent, state_size
from lab.memory.network import (
    Network,
    build_network,
    build_sequence,
    evaluate,
    with_torch_kernel,
)
from lab.memory.sequences.base import Batches, Epochs, Sets
from lab.memory.study import COLUMNS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TEST_SIZE = 10_000
PER_LENGTH = 400
# The T at which a curriculum begins. Sums are only learnt from very short sequences at first.
BEGINS_AT = {"doubling": 9, "upper_half": 4}
# The validation accuracy at which T grows. With curriculum=doubling the validation loss must also
# be small; see Sequence.solved_loss.
GROWS_AT = {"doubling": 1.0, "upper_half": 0.99}


class MemoryTask(Task):
    """Train a network to answer a sequence: by default, the last digit of a palindrome.

    Args:
        config: the run's config.
        device: cpu, cuda or mps.
    """

    state = ("network", "optimizer", "schedule", "batches", "last_evaluation", "patience")

    def __init__(self, config: MemoryConfig, device: str) -> None:
        self.config, self.device = config, device
        self.sequence = build_sequence(config)
        self.network = build_network(config).to(device)
        self.optimizer = build_optimizer(config.optimizer, self.network.parameters())
        if config.curriculum == "upper_half" and not config.stream:
            raise UserError("curriculum=upper_half trains on new examples: it needs stream=true")
        grows = config.curriculum in BEGINS_AT
        begin = max(BEGINS_AT.get(config.curriculum, config.seq_len), self.sequence.shortest)
        self.begins_at = min(begin, config.seq_len)
        self._use_length(self.begins_at)
        count = self.sequence.count_to_train_on(config.seq_len, config.data_size, config.train_part)
        steps_per_epoch = math.ceil(count / config.batch_size)
        budget = config.epochs * steps_per_epoch
        self.total_steps = min(budget, config.max_steps or budget)
        self.schedule = schedule(
            config.lr_schedule,
            self.optimizer,
            total_steps=self.total_steps,
            halve_every=config.halve_every * steps_per_epoch,
        )
        names = logged(COLUMNS)
        self.columns = names if grows else [name for name in names if name != "seq_len"]
        self.log_every = config.log_every
        self.evaluators = [Evaluator("validation", config.eval_every, self.validate)]
        self.last_evaluation: dict[str, float] = {}
        self.patience = Patience(config.patience)

    @property
    def shows_memory(self) -> bool:
        """Whether a run draws how its network remembers the first symbol."""
        bare = not self.config.block.layers
        return bare and self.sequence.answer_is_first_symbol and is_recurrent(self.network.cell)

    def _use_length(self, seq_len: int) -> None:
        """Use training, validation and test sets of this length from now on.

        With curriculum=upper_half the batches have lengths from half of it. Before that curriculum
        reaches its last length, the batches may contain validation examples, because too few short
        sequences exist to exclude any.
        """
        config = self.config
        draws = random_stream(config.seed, "palindromes")
        sets = self.sequence.sets(seq_len, config.data_size, config.train_part, TEST_SIZE, draws)
        self.seq_len = seq_len
        self.validation, self.test = sets.validation.to(self.device), sets.test.to(self.device)
        order = random_stream(config.seed, "batches")
        self.batches: Batches
        if config.stream:
            least = seq_len
            if config.curriculum == "upper_half":
                least = max(seq_len // 2, self.sequence.shortest)
                if seq_len < config.seq_len:
                    none = sets.train[slice(0)]
                    sets = Sets(sets.train, none, none)
            lengths = range(least, seq_len + 1)
            self.batches = self.sequence.stream(lengths, sets, config.batch_size, order)
        else:
            self.batches = Epochs(sets.train, config.batch_size, order)

    @property
    def trained_lengths(self) -> str:
        """The lengths that were answered so far, such as `40`, `2 to 40` or `9, 17, 33`."""
        if len(self.validation.due) == self.validation.inputs.shape[1]:
            return f"1 to {self.seq_len}"
        grown = [self.begins_at]
        while grown[-1] < self.seq_len:
            grown.append(min(2 * grown[-1] - 1, self.config.seq_len))
        least = max(grown[0] // 2, self.sequence.shortest)
        if self.config.curriculum == "upper_half" and least < grown[-1]:
            return f"{least} to {grown[-1]}"
        return ", ".join(map(str, grown))

    def _grow_where_solved(self) -> None:
        """Go on to the next length of the curriculum if the last evaluation solved this one."""
        if not self.last_evaluation or self.seq_len == self.config.seq_len:
            return
        loss, accuracy = self.last_evaluation["val_loss"], self.last_evaluation["val_accuracy"]
        sure = self.config.curriculum == "upper_half" or loss <= self.sequence.solved_loss
        if accuracy >= GROWS_AT[self.config.curriculum] and sure:
            self._use_length(min(2 * self.seq_len - 1, self.config.seq_len))
            self.last_evaluation = {}
            self.patience.begin_anew()

    def step(self) -> Mapping[str, Tensor]:
        """Train on one batch; see `Task.step`."""
        self._grow_where_solved()
        batch = self.batches.next().to(self.device)
        outputs = self.network.answers(batch)
        loss = self.sequence.loss(outputs, batch.targets)
        self.optimizer.zero_grad()
        loss.backward()
        if self.config.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.config.clip_norm)
        self.optimizer.step()
        lr = torch.tensor(self.schedule.get_last_lr()[0], dtype=torch.float64)
        self.schedule.step()
        accuracy = self.sequence.correct(outputs.detach(), batch.targets).float().mean()
        metrics = {"lr": lr, "train_loss": loss.detach(), "train_accuracy": accuracy}
        if "seq_len" in self.columns:
            metrics["seq_len"] = torch.tensor(self.seq_len)
        return metrics

    def validate(self) -> Mapping[str, float]:
        """Return loss and accuracy on the validation set."""
        loss, accuracy = evaluate(self.network, self.sequence, self.validation)
        self.last_evaluation = {"val_loss": loss, "val_accuracy": accuracy}
        self.patience.see(loss, accuracy)
        return self.last_evaluation

    def is_solved(self, metrics: Mapping[str, float]) -> bool:
        """Whether the validation accuracy has reached the target at the final length."""
        target = self.config.target_accuracy
        if target is None or self.seq_len < self.config.seq_len:
            return False
        return metrics["val_accuracy"] >= target

    def is_hopeless(self) -> bool:
        """Whether neither loss nor accuracy improved for `patience` evaluations."""
        return self.patience.is_out

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "seq_len": self.seq_len}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        if state["seq_len"] != self.seq_len:  # as the curriculum grew
            self._use_length(state["seq_len"])
        super().load_state_dict(state)

    def check(self) -> None:
        """Do on tiny inputs what the end of a run does, so that errors show before the training."""
        from lab.memory import flow

        inputs, symbols = self.validation.inputs, self.sequence.symbols
        if not inputs.is_floating_point() and torch.iinfo(inputs.dtype).max < symbols - 1:
            raise UserError(
                f"sequence={self.config.sequence_name} has {symbols} symbols, more than the "
                f"{inputs.dtype} of its inputs can number; "
                "lab.memory.sequences.examples.symbol_type gives a type that can"
            )
        state = copy.deepcopy(self.batches.state_dict())
        self.batches.next()
        self.batches.load_state_dict(state)
        evaluate(self.network, self.sequence, self.validation[slice(2)])
        weight_bytes(self.network.equation_weights())
        if self.shows_memory:
            flow.check_remembering(self.network, self.config)

    def conclude(self, history: History, recorder: Recorder) -> dict[str, Any]:
        """Test on new examples and at other lengths; write weights and figures."""
        from lab.memory import figures, flow
        from lab.memory.lengths import correct_lengths

        trained_lengths = self.trained_lengths
        recorder.weights(self.network.equation_weights())
        if self.seq_len < self.config.seq_len:  # the steps ended within the curriculum
            self._use_length(self.config.seq_len)
            self.validate()
        tested = with_torch_kernel(self.network)
        test_accuracy = evaluate(tested, self.sequence, self.test)[1] if len(self.test) else None
        own = self.last_evaluation["val_accuracy"] if test_accuracy is None else test_accuracy
        by_length = self._accuracy_by_other_lengths(tested) | {self.config.seq_len: own}
        by_length = dict(sorted(by_length.items()))
        shortest_correct, longest_correct = correct_lengths(by_length)
        how_it_remembers: dict[str, Figure] = {}
        factors: dict[str, float] = {}
        if self.shows_memory:
            how_it_remembers, factors = flow.remembering(self.network, self.config)
        measured_on = "the validation set" if test_accuracy is None else "the test set"
        drawn = {
            "learning_curves": figures.learning_curves(history, self.config),
            "accuracy_vs_length": figures.accuracy_by_length(by_length, self.config, measured_on),
            **how_it_remembers,
        }
        for name, figure in drawn.items():
            recorder.figure(name, figure)
        return {
            "cell": self.config.cell_name,
            "label": self.config.label,
            "seq_len": self.config.seq_len,
            "budget": self.total_steps,
            "parameters": sum(p.numel() for p in self.network.parameters()),
            "state_size": state_size(
                self.network.cell, self.network.encode(self.validation.inputs[:1])
            ),
            "state_grows": not is_recurrent(self.network.cell),
            "val_accuracy": self.last_evaluation["val_accuracy"],
            "val_count": len(self.validation),
            "test_accuracy": test_accuracy,
            "test_count": len(self.test) or None,
            "accuracy_by_length": by_length,
            "gradient_factor": factors,
            "sequence": self.config.sequence_name,
            "chance": self.sequence.chance,
            "shortest_correct": shortest_correct,
            "longest_correct": longest_correct,
            "trained_lengths": trained_lengths,
        }

    def _accuracy_by_other_lengths(self, network: Network) -> dict[int, float]:
        """Accuracy by length, at lengths other than T; short examples may have been trained on."""
        accuracies = {}
        lengths = self.config.tested_lengths or self.sequence.tested_lengths(self.config.seq_len)
        for length in set(lengths) - {self.config.seq_len}:
            draws = random_stream(self.config.seed, f"length {length}")
            some = self.sequence.draw(length, PER_LENGTH, draws).to(self.device)
            accuracies[length] = evaluate(network, self.sequence, some)[1]
        return accuracies
