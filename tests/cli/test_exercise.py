"""The exercise, as a student and a teacher walk it: the gaps, right answers and wrong ones."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command_line import ROOT, Tool, environment, quick_lab

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


def pytest_in(folder: Path, *files: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files],
        cwd=folder, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture
def checked(tool: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tool:
    """`lab check` in the exercise, whose gaps are filled: with this LSTM."""

    def start(lstm: str, *words: str) -> tuple[int, str, str]:
        for module in ("lstm", "rnn"):
            monkeypatch.delitem(sys.modules, module, raising=False)
        monkeypatch.chdir(solved(tmp_path, lstm))
        return tool("check", *words)

    return start


def test_the_exercise_fails_before_it_is_done_and_passes_afterwards(tmp_path: Path):
    assert "5 failed" in pytest_in(EXERCISE, "test_mine.py").stdout
    done = pytest_in(solved(tmp_path), "test_mine.py", "teacher/test_hidden.py")
    assert done.returncode == 0, done.stdout


def test_a_right_cell_passes_its_check_and_is_trained(checked: Tool, tmp_path: Path):
    for part in ("lstm.LSTM", "rnn.RNN"):
        like = f"lab.memory.cells.{part.partition('.')[2]}"
        code, out, err = checked(LSTM, part, "--like", like)
        assert (code, err) == (0, "")
        assert out.splitlines()[-1] == "all 8 checks passed"
    words = ("--config-dir", "conf", "cell=my_lstm", "seq_len=5", "size=small", "max_steps=1")
    done = quick_lab(*words, "data_size=100", cwd=tmp_path / "exercise")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("mistake", WRONG)
def test_a_wrong_cell_is_told_what_is_wrong(mistake: str, checked: Tool):
    (right, wrong), told = WRONG[mistake]
    assert right in LSTM
    lstm = LSTM.replace(right, wrong)
    code, out, err = checked(lstm, "lstm.LSTM", "--like", "lab.memory.cells.LSTM")
    assert code == 1
    assert told in out
    assert "checks failed" in err


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ("discriminator=conv", "all 3 checks passed"), ("generator=mlp", "all 4 checks passed"),
        ("loss=relativistic", "all 4 checks passed"),
        ("generator=torch.nn.Identity", "no `latent`"), ("lstn", "cell=lstn"),
        ("optimizer=adam", "expected one of the groups"),
    ],
)  # fmt: skip
def test_other_parts_are_checked_too(
    part: str, told: str, tool: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    code, out, err = tool("check", part)
    assert told in out + err
    assert (code == 0) == ("passed" in told)
    assert not list(tmp_path.iterdir())
