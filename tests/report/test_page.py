"""`lab report` on short runs: the page, claims of a user's own, the hand-in, wrong input."""

import argparse
import re
import signal
from contextlib import suppress
from pathlib import Path

import nbformat
import pytest

from lab.cli import CONF
from lab.config.errors import UserError
from lab.report import tool
from lab.report.claims import load_claims
from lab.report.evidence import Evidence
from lab.report.page import _parts
from lab.report.verdict import finding_of
from tests.command_line import quick_lab, start_lab, wait_until

RUNS = ["cell=lstm,rnn", "seq_len=3", "max_steps=20", "seed=0,1,2", "size=small"]
OWN = """source: my lecture
study: memory
says: The LSTM learns T=3 within 20 steps.
runs:
  short: {overrides: "cell=lstm,rnn seq_len=3 max_steps=20 seed=0,1,2 size=small"}
  longer: {overrides: "seq_len=3 max_steps=30 seed=0,1 size=small"}
parts:
  - says: accuracy of the LSTM
    metric: val_accuracy
    of: {runs: short, where: cell == "lstm"}
    bound: "BOUND"
why: Its accuracy is {1:.0%}.
figures:
  - {draw: accuracy, runs: short}
  - {draw: learning_curves, runs: short}
"""


def lab_report(*arguments: str) -> None:
    parser = argparse.ArgumentParser()
    tool.add_arguments(parser)
    tool.run(parser.parse_args(arguments))


@pytest.fixture(scope="module")
def cwd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six short runs of the memory study, and a claim of a user's own."""
    cwd = tmp_path_factory.mktemp("report")
    done = quick_lab("-m", *RUNS, cwd=cwd)
    assert done.returncode == 0, done.stderr
    (cwd / "conf/claim").mkdir(parents=True)
    (cwd / "conf/claim/mine.yaml").write_text(OWN.replace("BOUND", "> 0.05"))
    return cwd


@pytest.fixture(scope="module")
def page(cwd: Path) -> str:
    """The page with the user's claim beside ours."""
    lab_report(str(cwd / "outputs"), "--config-dir", str(cwd / "conf"))
    return (cwd / "outputs/report/claims.html").read_text()


def test_the_page_needs_nothing_else(page: str):
    assert not re.findall(r"<(?:script|link|img)[^>]*https?:", page)
    assert "<script" not in page
    assert "data:image/png;base64," in page
    assert "No description has been provided" not in page
    assert len(page) < 700_000


def test_every_claim_has_a_row_and_a_section_with_its_verdict(cwd: Path, page: str):
    # The page rests on the saved evidence too, which settles more claims as it grows.
    evidence = Evidence(cwd / "outputs", tool.SAVED)
    for claim in load_claims([CONF]):
        badge = f">{finding_of(claim, evidence).verdict}</span>"
        row = page.partition(f'href="#{claim.id}"')[2].partition("</tr>")[0]
        section = page.partition(f'<h3 id="{claim.id}">')[2].partition("<h3")[0]
        assert badge in row, claim.id
        assert badge in section, claim.id


def test_the_users_own_claim_is_judged(page: str):
    section = re.split("<h[23]", page.partition('<h3 id="mine">')[2])[0]
    assert "The LSTM learns T=3 within 20 steps." in section
    assert 'class="badge holds"' in section
    assert "<td>3</td>" in section
    assert section.count("<img") == 2


def test_what_is_missing_is_listed_with_its_command(cwd: Path, page: str):
    own = f"python -m lab --config-dir {cwd / 'conf'} -m"
    row = f"<td>2 of 2</td><td><code>{own} seq_len=3 max_steps=30 seed=0,1 size=small</code>"
    assert row in page
    # What is finished is shown once, with its claim.
    assert page.count(f"{own} cell=lstm,rnn seq_len=3 max_steps=20") == 1


def test_the_notebook_was_executed_without_a_warning(cwd: Path, page: str):
    notebook = nbformat.read(cwd / "outputs/report/claims.ipynb", as_version=4)
    nbformat.validate(notebook)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in cells)
    assert not [out for cell in cells for out in cell.outputs if out.get("name") == "stderr"]


@pytest.mark.parametrize(("bound", "verdict"), [("> 0.05", "holds"), ("> 1", "does not hold")])
def test_a_claim_is_a_file_and_its_bound_decides(
    cwd: Path, tmp_path: Path, bound: str, verdict: str
):
    (tmp_path / "claim").mkdir()
    (tmp_path / "claim/mine.yaml").write_text(OWN.replace("BOUND", bound))
    (claim,) = load_claims([str(tmp_path)])
    assert finding_of(claim, Evidence(cwd / "outputs")).verdict == verdict


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (("bound:", "bund:"), "parts[0].bound is missing"),
        (('"BOUND"', "about 1"), "bound=about 1 is not allowed"),
        (("of: {runs: short", "of: {runs: shrot"), "'shrot', of which there are short"),
        (("source: my lecture\n", ""), "source is missing"),
        (("study: memory", "study: [unclosed"), "mine.yaml: "),
    ],
)
def test_a_broken_claim_gets_one_line(
    cwd: Path, tmp_path: Path, change: tuple[str, str], line: str
):
    (tmp_path / "claim").mkdir()
    text = OWN.replace(*change).replace("BOUND", "> 0")
    (tmp_path / "claim/mine.yaml").write_text(text)
    with pytest.raises(UserError, match=re.escape(line)) as error:
        lab_report(str(cwd / "outputs"), "--config-dir", str(tmp_path))
    assert "\n" not in str(error.value)
    assert "mine.yaml" in str(error.value)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (("metric: val_accuracy", "metric: val_acc"), "no run has val_acc; did you mean"),
        (("metric: val_accuracy", "metric: val_acc@9"), "no run has val_acc; did you mean"),
        (('cell == "lstm"', "cel == 1"), "no run has cel; did you mean cell?"),
        (("bound:", "each: seqlen\n    bound:"), "no run has seqlen; did you mean seq_len?"),
        (("seq_len=3 max", "seq_lne=3 max"), "did you mean seq_len?"),
    ],
)
def test_a_claim_that_the_runs_cannot_answer_gets_one_line(
    cwd: Path, tmp_path: Path, change: tuple[str, str], line: str
):
    (tmp_path / "claim").mkdir()
    (tmp_path / "claim/mine.yaml").write_text(OWN.replace(*change).replace("BOUND", "> 0"))
    (claim,) = load_claims([str(tmp_path)])
    with pytest.raises(UserError, match=re.escape(line)) as error:
        finding_of(claim, Evidence(cwd / "outputs"))
    assert "\n" not in str(error.value)


def test_a_metric_that_no_run_has_is_told_before_the_claims_runs_exist(cwd: Path, tmp_path: Path):
    (tmp_path / "claim").mkdir()
    text = OWN.replace("BOUND", "> 0").replace("max_steps=20", "max_steps=25")
    evidence = Evidence(cwd / "outputs")
    for metric, line in (
        ("val_accuracy", ""),
        ("1 - val_acc", "no run has val_acc; did you mean val_accuracy?"),
    ):
        one = text.replace("metric: val_accuracy", f"metric: {metric}")
        (tmp_path / "claim/mine.yaml").write_text(one)
        (claim,) = load_claims([str(tmp_path)])
        finding = finding_of(claim, evidence)
        assert finding.verdict == "not settled"
        assert finding.parts[0].unknown == line
        assert (f"({line})" in _parts(finding)) == bool(line)


def test_the_hand_in_shows_the_students_own_runs(cwd: Path):
    lab_report("--out-dir", str(cwd / "outputs"), "--assignment")
    page = (cwd / "outputs/report/assignment.html").read_text()
    assert "6 finished runs of task=lstm" in page
    assert "Run <code>python -m lab task=gan</code> first" in page
    assert re.search(r"learning curves, lstm-T3-\S*s0-", page)
    assert page.count("<img") == 2
    assert (cwd / "outputs/report/assignment.ipynb").exists()


def test_a_missing_folder_gets_one_line(tmp_path: Path):
    with pytest.raises(UserError, match="nowhere: no such folder"):
        lab_report(str(tmp_path / "nowhere"))
    assert not list(tmp_path.iterdir())


def test_the_table_names_papers_by_authors_and_keeps_the_verdict_on_a_phone(page):
    row = next(line for line in re.findall(r"<tr>.*?</tr>", page) if 'href="#c4"' in line)
    assert "<td>Tallec &amp; Ollivier 2018</td>" in row
    columns = re.search(r"<tr><th></th><th>source</th><th>claim</th><th>verdict</th></tr>", page)
    hidden = re.search(r"\.overview tr > :nth-child\((\d)\) \{ display: none", page)
    assert columns is not None
    assert hidden is not None
    assert hidden[1] == "2"


def is_computing(pid: int) -> bool:
    """Whether a report has started the process that computes the cells."""
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with suppress(OSError):  # of another child, which has ended by now
            if "ipykernel" in Path(f"/proc/{child}/cmdline").read_text():
                return True
    return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_report_that_is_stopped_says_so_in_one_line(tmp_path: Path, number: signal.Signals):
    (tmp_path / "outputs").mkdir()
    report = start_lab("report", cwd=tmp_path)
    wait_until(lambda: is_computing(report.pid))
    report.send(number)
    done = report.wait()
    assert (done.returncode, done.stdout, done.stderr) == (128 + number, "", "lab: stopped\n")
    assert not list((tmp_path / "outputs").iterdir())
