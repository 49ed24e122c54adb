"""`lab compare`: runs side by side, and what cannot be compared."""

from pathlib import Path

import pytest

from lab.config.errors import UserError
from lab.engine.run_folder import RunFolder
from lab.runs.compare import compare
from tests.command_line import Tool
from tests.fake_runs import fake_run


@pytest.fixture
def pair(tmp_path: Path) -> list[RunFolder]:
    out = tmp_path / "outputs"
    return [fake_run(out, "seed=0"), fake_run(out, "seed=1", "cell=rnn", accuracy=0.5, steps=50)]


def test_two_runs_at_the_command_line(
    pair: list[RunFolder], tmp_path: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    code, out, err = tool("compare", *(str(run.path.relative_to(tmp_path)) for run in pair))
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert ["seed", "0", "1"] in [line.split() for line in lines]
    assert ["val_accuracy", "1", "0.5", "-0.5"] in [line.split() for line in lines]
    assert not any(line.split()[:1] == ["batch_size"] for line in lines), "it is the same in both"
    assert (tmp_path / lines[-1]).read_bytes().startswith(b"\x89PNG")
    assert lines[-1].startswith("outputs/report/compare-")


def test_three_runs_to_a_file(pair: list[RunFolder], tmp_path: Path):
    third = fake_run(tmp_path / "outputs", "seed=2")
    lines = compare([*pair, third], tmp_path / "all.svg")
    assert lines[-1] == str(tmp_path / "all.svg")
    assert "<svg" in (tmp_path / "all.svg").read_text()
    assert "B - A" not in "\n".join(lines)


def test_an_unfinished_run_is_compared_by_what_it_has_logged(pair: list[RunFolder]):
    (pair[1].path / "result.json").unlink()
    lines = compare(pair)
    assert any("B is interrupted" in line for line in lines)
    assert ["steps", "1,000", "50", "-950"] in [line.split() for line in lines]


def test_a_run_that_has_logged_nothing(pair: list[RunFolder]):
    for run in pair:
        run.metrics_file.unlink()
    assert "no curves" in compare(pair)[-1]


def test_what_does_not_compare(pair: list[RunFolder], tmp_path: Path):
    with pytest.raises(UserError, match="different tasks"):
        compare([pair[0], fake_run(tmp_path, "task=gan")])
    with pytest.raises(UserError, match="no such folder"):
        compare([pair[0], RunFolder(tmp_path / "nothing")])
    with pytest.raises(UserError, match="not a run's folder"):
        compare([pair[0], RunFolder(tmp_path)])
    with pytest.raises(UserError, match="cannot write"):
        compare(pair, Path("/proc/nothing.png"))


@pytest.mark.parametrize(
    "words", [[], ["A"], ["A", "A"], ["A", "B", "--out", "x.doc"], ["A", "gone"]]
)
def test_wrong_words(words: list[str], pair: list[RunFolder], tmp_path: Path, tool: Tool):
    given = {name: str(run.path) for name, run in zip("AB", pair, strict=True)}
    code, out, err = tool("compare", *(given.get(word, word) for word in words))
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("lab: ")
