"""The memory task: cross-entropy at the last step, clipping, RMSProp, early stop."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from lab.config.components import build
from lab.engine.recorder import History, Recorder
from lab.engine.run_folder import weight_bytes
from lab.engine.schedules import schedule
from lab.engine.seeding import generator
from lab.engine.task import Evaluator, Task
from lab.memory import palindromes
from lab.memory.config import MemoryConfig
from lab.memory.network import build_network, evaluate

TEST_SIZE = 10_000
LENGTHS = range(3, 26)
PER_LENGTH = 400
SHORTEST_OF_CURRICULUM = 9
# The held-out loss (nats) at which a length is left for the next. Right is not enough: a network
# that is right but not sure may lose its way at twice the length and not find it again.
SOLVED_LOSS = 0.002


class MemoryTask(Task):
    """Learn to give the last digit of a palindrome from the digits before it.

    Args:
        config: of the run.
        device: cpu, cuda or mps.

    Raises:
        UserError: the cell or the optimizer refuses its arguments.
    """

    tags: ClassVar = {
        **{"lr": "train/lr", "train_loss": "train/loss", "train_accuracy": "train/accuracy"},
        **{"seq_len": "train/seq_len", "steps": "train/steps"},
        **{"val_loss": "val/loss", "val_accuracy": "val/accuracy"},
        "test_accuracy": "test/accuracy",
    }

    def __init__(self, config: MemoryConfig, device: str) -> None:
        self.config, self.device = config, device
        self.network = build_network(config).to(device)
        self.optimizer = build(
            "optimizer", config.optimizer, self.network.parameters(), base=Optimizer
        )
        grows = config.curriculum == "doubling"
        self._use_length(min(SHORTEST_OF_CURRICULUM, config.seq_len) if grows else config.seq_len)
        steps_per_epoch = math.ceil(
            palindromes.count_to_train_on(config.seq_len, config.data_size, config.train_part)
            / config.batch_size
        )
        self.total_steps = min(
            config.epochs * steps_per_epoch, config.max_steps or config.epochs * steps_per_epoch
        )
        self.schedule = schedule(
            config.lr_schedule,
            self.optimizer,
            total_steps=self.total_steps,
            halve_every=config.halve_every * steps_per_epoch,
        )
        names = ("lr", "train_loss", "train_accuracy", "val_loss", "val_accuracy")
        self.columns = (*names, "seq_len") if grows else names
        self.log_every = config.log_every
        self.evaluators = [Evaluator("validation", config.eval_every, self.validate)]
        self.last_evaluation: dict[str, float] = {}

    def _use_length(self, seq_len: int) -> None:
        """Train, hold out and test palindromes of this length from now on."""
        config = self.config
        sets = palindromes.draw(
            seq_len,
            config.data_size,
            config.train_part,
            TEST_SIZE,
            generator(config.seed, "palindromes"),
        )
        self.seq_len = seq_len
        self.held_out, self.test = sets.held_out.to(self.device), sets.test.to(self.device)
        order = generator(config.seed, "batches")
        self.batches: palindromes.Epochs | palindromes.Stream
        if config.stream:
            excluded = torch.cat([sets.held_out, sets.test])
            self.batches = palindromes.Stream(seq_len, excluded, config.batch_size, order)
        else:
            self.batches = palindromes.Epochs(sets.train, config.batch_size, order)

    def _grow_where_solved(self) -> None:
        """The next step of the curriculum, once the last evaluation has solved this one."""
        if not self.last_evaluation or self.seq_len == self.config.seq_len:
            return
        loss, accuracy = self.last_evaluation["val_loss"], self.last_evaluation["val_accuracy"]
        if accuracy == 1.0 and loss <= SOLVED_LOSS:
            self._use_length(min(2 * self.seq_len - 1, self.config.seq_len))
            self.last_evaluation = {}

    def step(self) -> Mapping[str, Tensor]:
        """One batch of the training palindromes."""
        self._grow_where_solved()
        batch = self.batches.next().to(self.device)  # [B, T]
        logits, target = self.network(batch[:, :-1]), batch[:, -1].long()
        loss = nn.functional.cross_entropy(logits, target)
        self.optimizer.zero_grad()
        loss.backward()
        if self.config.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.config.clip_norm)
        self.optimizer.step()
        lr = torch.tensor(self.schedule.get_last_lr()[0], dtype=torch.float64)
        self.schedule.step()
        accuracy = (logits.detach().argmax(1) == target).float().mean()
        metrics = {"lr": lr, "train_loss": loss.detach(), "train_accuracy": accuracy}
        if "seq_len" in self.columns:
            metrics["seq_len"] = torch.tensor(self.seq_len)
        return metrics

    def validate(self) -> Mapping[str, float]:
        """Loss and accuracy on the held-out palindromes."""
        loss, accuracy = evaluate(self.network, self.held_out)
        self.last_evaluation = {"val_loss": loss, "val_accuracy": accuracy}
        return self.last_evaluation

    def is_solved(self, metrics: Mapping[str, float]) -> bool:
        """Whether the held-out accuracy has reached the target, at the length asked for."""
        target = self.config.target_accuracy
        if target is None or self.seq_len < self.config.seq_len:
            return False
        return metrics["val_accuracy"] >= target

    def state_dict(self) -> dict[str, Any]:
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "seq_len": self.seq_len,
            "batches": self.batches.state_dict(),
            "last_evaluation": self.last_evaluation,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        if state["seq_len"] != self.seq_len:
            self._use_length(state["seq_len"])
        self.batches.load_state_dict(state["batches"])
        self.last_evaluation = state["last_evaluation"]

    def check(self) -> None:
        """Evaluate two palindromes, name and pack the weights, follow a gradient back."""
        from lab.memory import remembering

        evaluate(self.network, self.held_out[:2])
        weight_bytes(self.network.equation_weights())
        remembering.check(self.network, self.config)

    def conclude(self, history: History, recorder: Recorder) -> dict[str, Any]:
        """Test on palindromes never seen and at other lengths; write weights and figures."""
        from lab.memory import figures, remembering

        recorder.weights(self.network.equation_weights())
        if self.seq_len < self.config.seq_len:  # the budget ended within the curriculum
            self._use_length(self.config.seq_len)
            self.validate()
        test_accuracy = evaluate(self.network, self.test)[1] if len(self.test) else None
        by_length = self._accuracy_by_other_lengths()
        own = self.last_evaluation["val_accuracy"] if test_accuracy is None else test_accuracy
        by_length[self.config.seq_len] = own
        how_it_remembers, factors = remembering.figures(self.network, self.config)
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
            "parameters": sum(p.numel() for p in self.network.parameters()),
            "val_accuracy": self.last_evaluation["val_accuracy"],
            "val_count": len(self.held_out),
            "test_accuracy": test_accuracy,
            "test_count": len(self.test) or None,
            "accuracy_by_length": by_length,
            "gradient_factor": factors,
        }

    def _accuracy_by_other_lengths(self) -> dict[int, float]:
        """Accuracy at lengths 3..25 that were not trained on."""
        accuracies = {}
        for length in LENGTHS:
            draws = generator(self.config.seed, f"length {length}")
            codes = palindromes.distinct_codes(length, PER_LENGTH, draws)
            some = palindromes.from_codes(codes, length, draws).to(self.device)
            accuracies[length] = evaluate(self.network, some)[1]
        return accuracies
