"""The memory study's numbers: from its weights and from palindromes drawn a second time."""

import copy
import json
import math
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

import lab
from tests.command_line import Tool
from tests.numbers import last_row, stream

WORDS = (
    *("task=lstm", "device=cpu", "size=small", "seq_len=6", "data_size=300", "train_part=0.7"),
    *("batch_size=32", "max_steps=12", "eval_every=5", "target_accuracy=null"),
)


def palindromes(seq_len: int, count: int, purpose: str) -> Tensor:
    """Palindromes of at most a million, uint8 [N, T], in the order in which a run draws them."""
    free = (seq_len + 1) // 2
    order = torch.randperm(10**free, generator=stream(purpose), dtype=torch.int32)
    texts = [str(code).zfill(free) for code in order[:count].tolist()]
    return torch.tensor([[int(d) for d in t + t[: seq_len // 2][::-1]] for t in texts]).byte()


def share_right(network: Any, digits: Tensor) -> float:
    with torch.no_grad():
        answers = network(digits[:, :-1]).argmax(1)
    return float((answers == digits[:, -1]).double().mean())


def loss_of(network: Any, digits: Tensor) -> float:
    with torch.no_grad():
        return float(F.cross_entropy(network(digits[:, :-1]), digits[:, -1].long()))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> lab.Run:
    return lab.run(*WORDS, f"out_dir={tmp_path_factory.mktemp('memory')}")


def test_accuracies_are_of_their_own_sets_and_lengths(run: lab.Run) -> None:
    result, network = run.result, run.network
    drawn = palindromes(6, 10_300, "palindromes")  # of which there are a thousand
    validation, test = drawn[210:300], drawn[300:]
    assert share_right(network, validation) != share_right(network, test)
    found = {name: result[name] for name in ("val_accuracy", "val_count", "test_accuracy",
                                             "test_count")}  # fmt: skip
    assert found == {
        "val_accuracy": share_right(network, validation), "val_count": 90,
        "test_accuracy": share_right(network, test), "test_count": 700,
    }  # fmt: skip
    row = last_row(run)
    assert row["val_accuracy"] == result["val_accuracy"]
    assert row["val_loss"] == pytest.approx(loss_of(network, validation), rel=1e-5)

    by_length = {int(length): value for length, value in result["accuracy_by_length"].items()}
    assert list(by_length) == list(range(3, 26))
    for length in (3, 4, 5, 7, 8, 11):
        digits = palindromes(length, 400, f"length {length}")
        assert by_length[length] == share_right(network, digits), length
    assert by_length[6] == result["test_accuracy"]
    right = [length for length in by_length if all(by_length[n] >= 0.99 for n in range(3, length))]
    assert result["longest_correct"] == max((n for n in right if by_length[n] >= 0.99), default=0)


def test_the_other_entries(run: lab.Run) -> None:
    result = run.result
    assert result["parameters"] == sum(weight.numel() for weight in run.weights.values())
    assert (result["steps"], result["budget"], result["stopped"]) == (12, 12, "budget")
    assert (result["cell"], result["label"]) == ("lstm", "lstm, forget bias 5")
    assert (result["sequence"], result["chance"], result["seq_len"]) == ("palindrome", 0.1, 6)


def gradient_norms(network: Any, digits: Tensor) -> dict[str, list[float]]:
    """The mean of log10 |dLoss/dh(t)| and |dLoss/dc(t)|; each pass begins at step t."""
    network = copy.deepcopy(network).double()
    norms: dict[str, list[float]] = {"h": [], "c": []}
    inputs, state = network.encode(digits[:, :-1]), None
    for t in range(len(inputs)):
        _, state = network.cell(inputs[t : t + 1], state)
        state = tuple(part.detach().requires_grad_() for part in state)
        end = network.cell(inputs[t + 1 :], state)[1] if t + 1 < len(inputs) else state
        loss = F.cross_entropy(network.read_out(end[0]), digits[:, -1].long(), reduction="sum")
        for name, part in zip("hc", state, strict=True):
            (gradient,) = torch.autograd.grad(loss, part, retain_graph=True, allow_unused=True)
            if gradient is not None:
                norms[name].append(float(gradient.norm(dim=1).log10().mean()))
    return norms


def test_the_factor_of_the_gradient_is_a_step_back_in_time(run: lab.Run) -> None:
    digits = palindromes(6, 32, "flow 6")
    for name, norms in gradient_norms(run.network, digits).items():
        steps = np.arange(len(norms)) - (len(norms) - 1) / 2
        slope = (steps * np.array(norms)).sum() / (steps**2).sum()
        assert run.result["gradient_factor"][f"{name}_trained"] == pytest.approx(10**-slope)


def test_what_training_logs_is_of_its_own_batches(tmp_path: Path) -> None:
    """The weights stay those of the beginning, so that all steps can be done again."""
    words = ("optimizer.lr=1e-30", "log_every=1", "max_steps=9", "lr_schedule=cosine")
    run = lab.run(*WORDS, *words, f"out_dir={tmp_path}")
    train, order = palindromes(6, 210, "palindromes"), stream("batches")
    shuffled = torch.cat([train[torch.randperm(210, generator=order)] for _ in range(2)])
    ends = [*range(0, 210, 32), 210, 242, 274]  # the last batch of an epoch has 18
    for step, (begin, end) in enumerate(pairwise(ends)):
        batch = shuffled[begin:end]
        row = {name: values[step] for name, values in run.metrics.items()}
        assert row["train_loss"] == pytest.approx(loss_of(run.network, batch), rel=1e-5)
        assert row["train_accuracy"] == pytest.approx(share_right(run.network, batch))
        assert 1e30 * row["lr"] == pytest.approx((1 + math.cos(math.pi * step / 9)) / 2)


@pytest.mark.parametrize("words", [("doubling",), ("upper_half", "stream=true")])
def test_a_curriculum_that_ends_early_is_tested_at_its_last_length(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    more = ("seq_len=12", "max_steps=3", f"curriculum={words[0]}", *words[1:])
    run = lab.run(*WORDS, *more, f"out_dir={tmp_path}")
    assert max(run.metrics["seq_len"]) < 12
    drawn = palindromes(12, 10_300, "palindromes")
    expected = {
        "seq_len": 12, "val_count": 90, "test_count": 10_000,
        "val_accuracy": share_right(run.network, drawn[210:300]),
        "test_accuracy": share_right(run.network, drawn[300:]),
    }  # fmt: skip
    assert {name: run.result[name] for name in expected} == expected
    assert run.result["accuracy_by_length"]["12"] == expected["test_accuracy"]


def test_the_horizon_counts_new_examples(run: lab.Run, tool: Tool) -> None:
    assert tool("horizon", str(run.path), "--n", "300", "--longest", "9")[0] == 0
    content = json.loads((run.path / "figures/horizon.json").read_text())
    accuracies = {int(length): value for length, value in content["accuracies"].items()}
    for length, value in accuracies.items():  # at T=3 there are but a hundred
        digits = palindromes(length, 300, f"horizon {length}")
        assert value == share_right(run.network, digits), length
    assert content["needed"] == 0.999
    right = [length for length, value in accuracies.items() if value >= 0.999]
    assert content["horizon"] == max(right, default=None)


def test_the_probe_is_tested_on_what_it_was_not_fitted_to(run: lab.Run, tool: Tool) -> None:
    digits = palindromes(6, 3000, "probe")  # of which there are a thousand: a third is tested on
    network: Any = run.network
    lines = tool("probe", str(run.path))[1].splitlines()
    for name, state in zip("hc", list(network.states(digits[:, :-1]))[-1], strict=True):
        x = np.c_[state.detach().double().numpy(), np.ones(1000)]
        y = np.eye(10)[digits[:, 0].numpy()]
        ridge = 1e-4 * (x[:667] ** 2).mean() * 667 * np.eye(x.shape[1])
        w = np.linalg.solve(x[:667].T @ x[:667] + ridge, x[:667].T @ y[:667])
        share = ((x[667:] @ w).argmax(1) == y[667:].argmax(1)).mean()
        (line,) = (line for line in lines if line.startswith(f"{name}(t), trained: "))
        found = float(line.split(", ")[-1].split()[0])
        assert found == pytest.approx(100 * share, abs=0.011), name


def test_the_flow_of_a_run_is_that_of_its_result(run: lab.Run, tool: Tool) -> None:
    printed = tool("flow", str(run.path), "--seq-len", "6")[1].splitlines()[1]
    assert ", trained: " in printed
    factors = re.findall(r"dLoss/d([hc]) x ([\d.]+) a step back", printed)
    assert [(name, float(value)) for name, value in factors] == [
        (name, pytest.approx(run.result["gradient_factor"][f"{name}_trained"], rel=1e-3))
        for name in "hc"
    ]
    network: Any = copy.deepcopy(run.network).double()
    x = network.encode(palindromes(6, 32, "flow 6")[:1, :-1])
    state, radii = network.cell(x[:1], None)[1], []
    for t in range(1, 5):
        flat = torch.cat(state, dim=1)[0].detach()

        def step(flat: Tensor, t: int = t) -> Tensor:
            h, c = flat.chunk(2)
            return torch.cat(network.cell(x[t : t + 1], (h[None], c[None]))[1], dim=1)[0]

        jacobian = torch.stack([torch.autograd.functional.jvp(step, flat, e)[1]
                                for e in torch.eye(len(flat)).double()], dim=1)  # fmt: skip
        radii.append(np.abs(np.linalg.eigvals(jacobian.numpy())).max())
        state = network.cell(x[t : t + 1], state)[1]
    (radius,) = re.findall(r"spectral radius of a step ([\d.]+)", printed)
    assert float(radius) == pytest.approx(np.exp(np.log(radii).mean()), rel=1e-3)
