"""The exercise, as a student and a teacher walk it: the gaps, right answers and wrong ones."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command_line import ROOT, environment, quick_lab

EXERCISE = ROOT / "examples/exercise"
RNN = """
        for x_t in x:
            h = torch.tanh(x_t @ self.W_hx.T + h @ self.W_hh.T + self.b_h)
            states.append(h)
"""
LSTM = """
        for x_t in x:
            def gate(k):
                weights = (getattr(self, f"{name}") for name in (f"W_{k}x", f"W_{k}h", f"b_{k}"))
                W_x, W_h, b = weights
                return x_t @ W_x.T + h @ W_h.T + b
            c = torch.tanh(gate("g")) * torch.sigmoid(gate("i")) + c * torch.sigmoid(gate("f"))
            h = torch.tanh(c) * torch.sigmoid(gate("o"))
            states.append(h)
"""
D_STEP = """
    from torch.nn.functional import softplus
    loss = softplus(-d(real)).mean() + softplus(d(g(z).detach())).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return float(loss)
"""
G_STEP = """
    from torch.nn.functional import softplus
    loss = softplus(-d(g(z))).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return float(loss)
"""
# What students write, and a line of `lab check` that tells them.
WRONG = {
    "the gates are swapped": (
        ('gate("i")) + c * torch.sigmoid(gate("f"', 'gate("f")) + c * torch.sigmoid(gate("i"'),
        "FAIL  equals the reference",
    ),
    "the state is detached": (("states.append(h)", "h = h.detach(); states.append(h)"), "FAIL"),
    "each call begins anew": (("for x_t in x:", "h = 0 * h\n        for x_t in x:"), "FAIL  whole"),
    "examples are mixed": (("+ b", "+ b + h.mean(0)"), "FAIL  examples do not mix"),
}


def solved(folder: Path, lstm: str = LSTM) -> Path:
    """A copy of the exercise with its gaps filled."""
    copy = folder / "exercise"
    shutil.copytree(EXERCISE, copy, dirs_exist_ok=True)
    for name, solutions in {
        "rnn.py": [RNN], "lstm.py": [lstm], "gan_step.py": [D_STEP, G_STEP],
    }.items():  # fmt: skip
        text = (copy / name).read_text()
        for solution in solutions:
            before, _, after = text.partition("raise NotImplementedError")
            text = before.rstrip() + "\n" + solution + after.partition("\n")[2]
        (copy / name).write_text(text)
    return copy


def pytest_in(folder: Path, file: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", file],
        cwd=folder, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_exercise_fails_before_it_is_done_and_passes_afterwards(tmp_path: Path):
    assert "5 failed" in pytest_in(EXERCISE, "test_mine.py").stdout
    copy = solved(tmp_path)
    for file in ("test_mine.py", "teacher/test_hidden.py"):
        done = pytest_in(copy, file)
        assert done.returncode == 0, done.stdout


def test_a_right_cell_passes_its_check_and_is_trained(tmp_path: Path):
    copy = solved(tmp_path)
    for part in ("lstm.LSTM", "rnn.RNN"):
        done = quick_lab(
            "check", part, "--like", f"lab.memory.cells.{part.partition('.')[2]}", cwd=copy
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.splitlines()[-1] == "all 8 checks passed"
    done = quick_lab(
        "--config-dir", "conf", "cell=my_lstm", "seq_len=5", "size=small", "max_steps=20", cwd=copy
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("mistake", WRONG)
def test_a_wrong_cell_is_told_what_is_wrong(mistake: str, tmp_path: Path):
    (right, wrong), told = WRONG[mistake]
    assert right in LSTM
    copy = solved(tmp_path, LSTM.replace(right, wrong))
    done = quick_lab("check", "lstm.LSTM", "--like", "lab.memory.cells.LSTM", cwd=copy)
    assert done.returncode == 1
    assert told in done.stdout
    assert "checks failed" in done.stderr


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ("discriminator=conv", "all 3 checks passed"), ("generator=mlp", "all 4 checks passed"),
        ("loss=relativistic", "all 4 checks passed"),
        ("generator=torch.nn.Identity", "no `latent`"), ("lstn", "cell=lstn"),
        ("optimizer=adam", "expected one of the groups"),
    ],
)  # fmt: skip
def test_other_parts_are_checked_too(part: str, told: str, tmp_path: Path):
    done = quick_lab("check", part, cwd=tmp_path)
    assert told in done.stdout + done.stderr
    assert (done.returncode == 0) == ("passed" in told)
    assert not list(tmp_path.iterdir())
