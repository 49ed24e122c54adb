"""`lab report` on short runs: the page, claims of a user's own, wrong input."""

import argparse
import html
import io
import re
import signal
import sys
from contextlib import redirect_stderr
from itertools import product
from pathlib import Path

import pytest

from lab.config.errors import UserError
from lab.report import tool
from lab.report.claims import load_claims
from lab.report.evidence import SAVED, Evidence
from lab.report.page import Report
from lab.report.verdict import finding_of
from tests.command_line import start_lab, wait_until
from tests.fake_runs import fake_run

OWN = """source: my lecture <1>
study: memory
says: The LSTM learns T=3 within 20 steps.
runs:
  short: {overrides: "cell=lstm,rnn seq_len=3 max_steps=20 seed=0,1,2 size=small"}
  longer: {overrides: "seq_len=3 max_steps=30 seed=0,1 size=small"}
parts:
  - says: steps of the LSTM
    metric: steps
    of: {runs: short, where: cell == "lstm"}
    bound: "BOUND"
why: It takes {1:.0f} steps.
figures:
  - {draw: accuracy, runs: short}
  - {draw: learning_curves, runs: short}
"""


def lab_report(*arguments: str) -> None:
    parser = argparse.ArgumentParser()
    tool.add_arguments(parser)
    parser.add_argument("--config-dir", action="append", default=[])  # as every tool has it
    tool.run(parser.parse_args(arguments))


@pytest.fixture(scope="module")
def cwd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six runs of the memory study, a page of one, and a claim of a user's own."""
    cwd = tmp_path_factory.mktemp("report")
    for cell, seed in product(("lstm", "rnn"), range(3)):
        words = ("seq_len=3", "max_steps=20", "size=small", f"cell={cell}", f"seed={seed}")
        fake_run(cwd / "outputs", *words, steps=20)
    run = sorted((cwd / "outputs/runs").iterdir())[0]
    (run / "play.html").touch()
    (run / "play-rnn 2.html").touch()
    (cwd / "outputs/play.html").touch()  # beside no run
    (cwd / "conf/claim").mkdir(parents=True)
    (cwd / "conf/claim/mine.yaml").write_text(OWN.replace("BOUND", "<= 20"))
    return cwd


@pytest.fixture(scope="module")
def report(cwd: Path) -> Report:
    """The user's claim beside ours, with the saved evidence."""
    return Report(cwd / "outputs", SAVED, [str(cwd / "conf")])


@pytest.fixture(scope="module")
def page(report: Report) -> str:
    return report.html()


def test_the_page_needs_nothing_else_and_is_small(page: str):
    assert not re.findall(r"<(?:script|link|img)[^>]*https?:", page)
    assert "<script" not in page
    assert "data:image/png;base64," in page
    assert len(page) < 900_000
    targets = set(re.findall(r'id="([^"]+)"', page))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= targets


def test_every_claim_has_a_row_and_a_section_with_its_verdict(report: Report, page: str):
    for name, finding in report.findings.items():
        _, text = report.badge(finding)
        row = page.partition(f'href="#{name}"')[2].partition("</tr>")[0]
        section = page.partition(f'<h3 id="{name}">')[2].partition("<h3")[0]
        assert f">{text}</span>" in row, name
        assert f">{text}</span>" in section, name
        assert ("(one run)" in text) == finding.one_run


def test_a_section_stands_alone_and_what_users_write_is_no_markup(report: Report, page: str):
    section = report.section("mine")
    assert section.strip() in page
    assert "Source: my lecture &lt;1&gt;" in section
    assert 'class="badge holds">holds<' in section
    assert "It takes 20 steps." in section
    assert section.count("<img") == 2
    assert "mine" not in report.section("a1")


def test_one_run_and_an_extension_are_marked_beside_the_part(report: Report):
    assert "holds in part (one run)" in report.section("b2")
    assert "undecided at n=5; extended once to n=20" in report.section("a1")


def test_what_is_missing_is_one_line_with_the_commands_inside(cwd: Path, report: Report, page: str):
    own = f"python -m lab --config-dir {cwd / 'conf'} -m"
    assert f"2 of 2: <code>{own} seq_len=3 max_steps=30 seed=0,1 size=small</code>" in page
    # What is finished is shown once, with its claim.
    assert page.count(f"{own} cell=lstm,rnn seq_len=3 max_steps=20") == 1
    assert report.section("missing").count("<summary>") == 1


def test_networks_to_play_with_are_linked_from_the_page_and_not_from_a_copy(
    cwd: Path, report: Report, page: str
):
    run = sorted((cwd / "outputs/runs").iterdir())[0].name
    assert f'<a href="../runs/{run}/play.html">{run}</a>' in page
    assert f'<a href="../runs/{run}/play-rnn%202.html">{run} beside rnn 2</a>' in page
    assert page.count("play.html") == 1
    assert "play.html" not in report.html(links=False)


def test_a_copy_is_the_same_drawing(cwd: Path, tmp_path: Path, report: Report, page: str):
    before = {p: p.stat().st_mtime_ns for p in (cwd / "outputs/report/figures").iterdir()}
    assert report.html() == page
    assert {p: p.stat().st_mtime_ns for p in (cwd / "outputs/report/figures").iterdir()} == before


@pytest.mark.parametrize(("bound", "verdict"), [("<= 20", "holds"), ("> 20", "does not hold")])
def test_a_claim_is_a_file_and_its_bound_decides(
    cwd: Path, tmp_path: Path, bound: str, verdict: str
):
    (tmp_path / "claim").mkdir()
    (tmp_path / "claim/mine.yaml").write_text(OWN.replace("BOUND", bound))
    (claim,) = load_claims([str(tmp_path)])
    assert finding_of(claim, Evidence(cwd / "outputs")).verdict == verdict


BROKEN = [
    (("bound:", "bund:"), "parts[0].bound is missing"),
    (('"BOUND"', "about 1"), "bound=about 1 is not allowed: expected one such as"),
    (('"BOUND"', "'< 0'"), "no value that can exist (0 to inf) is within it"),
    (("metric: steps", "metric: val_accuracy"), "every value that can exist (0 to 1) is within it"),
    (("of: {runs: short", "of: {runs: shrot"), "parts[0].of names runs 'shrot', of which there"),
    (("source: my lecture <1>\n", ""), "source is missing"),
    (("study: memory", "study: [unclosed"), "mine.yaml: "),
    (("bound:", "form: .q\n    bound:"), "parts[0].form=.q is not allowed"),
    (("cell == \"lstm\"", "cell == 'lstm"), "is not an expression"),
    (("metric: steps", "metric: steps +"), "parts[0].metric=steps + is not an expression"),
    (("seed=0,1,2", "'seed=0,1,2"), "runs.short.overrides: no closing quotation"),
    (("{1:.0f}", "{2:.0f}"), "why is not allowed: its numbers are {1} to {1}"),
    (("draw: accuracy", "draw: acuracy"), "figures[0].draw=acuracy is not allowed: expected acc"),
    (("draw: accuracy, runs", "draw: accuracy, rnus"), "figures[0] has no key rnus; there are"),
    (("draw: accuracy", "draw: curves, metric: steps"), "figures[0].words is missing"),
    (("draw: accuracy, runs: short", "draw: accuracy, runs: [x]"), "figures[0] names runs 'x'"),
]  # fmt: skip
TWICE = "metric: 2 * `accuracy_by_length.777`"  # no share, so every bound can be missed
UNANSWERABLE = [
    (("metric: steps", "metric: stepps"), "parts[0].metric: no run has stepps; did you mean st"),
    (("metric: steps", "metric: stepps@9 / 2"), "parts[0].metric: no run has stepps"),
    (("metric: steps", TWICE), "no run has accuracy_by_length.777"),
    (('cell == "lstm"', "cel == 1"), "parts[0].of.where: no run has cel; did you mean cell?"),
    (("bound:", "each: seqlen\n    bound:"), "each: no run has seqlen; did you mean seq_len?"),
    (("seq_len=3 max", "seq_lne=3 max"), "runs.short.overrides: "),
    (("seed=0,1,2", "seed=0,1"), "runs.short: its command has 2 seeds, and parts[0] needs at"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "line"), BROKEN + UNANSWERABLE)
def test_a_claim_that_nothing_can_decide_gets_one_line_with_file_and_key(
    cwd: Path, tmp_path: Path, change: tuple[str, str], line: str
):
    (tmp_path / "claim").mkdir()
    text = OWN.replace(*change).replace("BOUND", "<= 1")
    (tmp_path / "claim/mine.yaml").write_text(text)

    def judge() -> None:
        (claim,) = load_claims([str(tmp_path)])
        finding_of(claim, Evidence(cwd / "outputs"))

    with pytest.raises(UserError, match=re.escape(line)) as error:
        judge()
    assert "\n" not in str(error.value)
    assert "claim/mine.yaml: " in str(error.value)


def test_without_a_run_of_the_task_a_metric_is_not_known_to_be_wrong(tmp_path: Path):
    """As in a wheel, which has no saved evidence."""
    (tmp_path / "claim").mkdir()
    text = OWN.replace("metric: steps", TWICE).replace("BOUND", "<= 1")
    (tmp_path / "claim/mine.yaml").write_text(text)
    (claim,) = load_claims([str(tmp_path)])
    assert finding_of(claim, Evidence(tmp_path)).verdict == "undecided"


def test_a_missing_folder_gets_one_line(tmp_path: Path):
    with pytest.raises(UserError, match="nowhere: no such folder"):
        lab_report(str(tmp_path / "nowhere"))
    assert not list(tmp_path.iterdir())


def test_a_missing_library_is_named_with_its_remedy(tmp_path: Path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UserError, match=re.escape("pandas is missing: pip install 'lab[report]'")):
        lab_report(str(tmp_path))


def test_what_is_done_is_shown():
    with redirect_stderr(io.StringIO()) as shown, tool.progress() as tell:
        for line in ("reading the runs", "judging claim A1", "judging claim A2"):
            tell(line)
    assert shown.getvalue() == "lab: reading the runs\nlab: judging the claims\n"


def test_a_report_that_is_stopped_says_so_in_one_line(tmp_path: Path):
    (tmp_path / "outputs").mkdir()
    process = start_lab("report", cwd=tmp_path)
    wait_until(lambda: "checking" in process.errors)
    process.send(signal.SIGTERM)
    done = process.wait()
    assert (done.returncode, done.stdout) == (128 + signal.SIGTERM, "")
    assert done.stderr.endswith("lab: stopped\n")
    assert not list((tmp_path / "outputs").iterdir())


def test_the_page_on_a_phone_has_no_narrow_column_and_papers_are_named_by_authors(page: str):
    row = next(line for line in re.findall(r"<tr>.*?</tr>", page) if 'href="#c4"' in line)
    assert f"<td>{html.escape('Tallec & Ollivier 2018')}</td>" in row
    phone = page.partition("@media (max-width: 44rem)")[2].partition("}\n")[0]
    assert "td { display: block; width: 100%" in page
    assert phone
