"""`python -m lab.report` as a user runs it: on nothing, on partial results, with wrong words."""

import re
import subprocess
from pathlib import Path

import nbformat
import pytest

from lab.report.claims import CLAIMS
from tests.command_line import quick_lab, run_lab
from tests.report.fakes import fake_run
from tests.report.test_verdicts import B3, B4, NEAR, WALKS, seeds, sums


@pytest.fixture(scope="module")
def cwd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two short runs of the memory study, and made-up ones of the GANs; a report of them."""
    cwd = tmp_path_factory.mktemp("report")
    preset = ["+experiment=a5_rnn_vs_lstm", "seq_len=3", "max_steps=5"]
    done = quick_lab(*preset, cwd=cwd)
    assert done.returncode == 0, done.stderr
    out = cwd / "outputs"
    for words in (B3, B4):
        fake_run(out, *words, "max_steps=500", epochs=0.5, curves=NEAR)
    seeds(out, ["task=gan"], **WALKS, **sums(10, 150))
    return cwd


@pytest.fixture(scope="module")
def made(cwd: Path) -> subprocess.CompletedProcess[str]:
    return run_lab(module="lab.report", cwd=cwd)


def test_the_notebook_is_executed(cwd: Path, made: subprocess.CompletedProcess[str]):
    assert made.returncode == 0, made.stderr
    assert made.stdout.split() == ["outputs/report/report.ipynb", "outputs/report/report.html"]
    assert made.stderr == ""
    notebook = nbformat.read(cwd / "outputs/report/report.ipynb", as_version=4)
    nbformat.validate(notebook)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in cells)
    assert not [out for cell in cells for out in cell.outputs if out.get("name") == "stderr"]
    assert all(len(cell.source.splitlines()) <= 10 for cell in cells)


def test_the_page_needs_nothing_else(cwd: Path, made: subprocess.CompletedProcess[str]):
    page = (cwd / "outputs/report/report.html").read_text()
    assert not re.findall(r"<(?:script|link|img)[^>]*https?:", page)
    assert "<script" not in page
    for name, claim in CLAIMS.items():
        assert f'id="{name}"' in page
        assert claim.text.split(":")[0].split("(")[0][:40] in page
    assert "data:image/png;base64," in page
    assert "No description has been provided" not in page


def test_what_is_missing_is_listed_with_its_command(
    cwd: Path, made: subprocess.CompletedProcess[str]
):
    page = (cwd / "outputs/report/report.html").read_text()
    assert "python -m lab +experiment=a3_learning_curves seed=0" in page
    assert "0 of 115" in page


def test_pictures_lie_beside_it(cwd: Path, made: subprocess.CompletedProcess[str]):
    names = {path.name for path in (cwd / "outputs/report/figures").iterdir()}
    assert {"accuracy_vs_length.png", "a7_flow.png", "b4_quality.png"} <= names


@pytest.mark.parametrize("words", [["nowhere"], ["outputs", "--typo"], ["doc=s"]])
def test_a_wrong_word_gets_one_line(tmp_path: Path, words: list[str]):
    done = run_lab(*words, module="lab.report", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("lab: ")
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())
