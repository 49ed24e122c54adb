"""The rules of a verdict on made-up numbers: which parts hold, fail and are undecided."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lab.cli import CONF
from lab.memory.task import PER_LENGTH
from lab.report import intervals
from lab.report.claims import Claim, load_claims
from lab.report.evidence import Evidence
from lab.report.verdict import finding_of
from tests.command_line import ROOT
from tests.report.made_up import MadeUp

CLAIMS = {claim.id: claim for claim in load_claims([CONF])}
HOLDS, IN_PART, FAILS, OPEN = "holds", "holds in part", "does not hold", "undecided"


def judged(name: str, numbers: dict[str, Any], change: Callable[[Claim], Claim] = lambda c: c):
    """The finding on a claim whose runs, by name, have these numbers."""
    claim, evidence = change(CLAIMS[name]), MadeUp()
    for runs, given in numbers.items():
        evidence.add(claim.runs[runs].command(), given)
    return finding_of(claim, evidence)


def by_length(short: dict[str, float], long: dict[str, float], at: int = 15) -> Any:
    def numbers(config: Any) -> dict[str, Any]:
        return {"accuracy": (long if config.seq_len >= at else short)[config.cell_name]}

    return numbers


def of_label(default: float, best_rnn: float, lstm: float) -> Any:
    def numbers(config: Any) -> dict[str, Any]:
        name = config.label
        value = default if name == "rnn, default init" else (
            best_rnn if name.startswith("rnn") else lstm)  # fmt: skip
        return {"accuracy": value}

    return numbers


def by_epochs(few: float, many: float) -> Any:
    return lambda c: {"accuracy": few if c.epochs == 100 else many}


def gan(**numbers: float) -> dict[str, float]:
    return {"fid": 10.0, "real_fid": 0.2, "recall": 0.5, "precision": 0.8, "real_precision": 0.9,
            "first_d_loss": 0.6, "last_d_loss": 0.69, "first_g_loss": 0.8, "last_g_loss": 0.7,
            "first_d_fake": 0.4, "first_fid": 50.0, "half_fid": 20.0, "last_fid": 10.0,
            "half_clear": 0.6, **numbers}  # fmt: skip


EVEN = {"rnn": 1.0, "lstm": 1.0}
BEHIND = {"rnn": 0.2, "lstm": 1.0}


def test_every_part_of_every_claim_finds_its_numbers_in_the_evidence(tmp_path: Path):
    """No claim has a query, a metric or an `each` that selects nothing."""
    evidence = Evidence(tmp_path, ROOT / "docs/evidence")
    for claim in CLAIMS.values():
        finding = finding_of(claim, evidence)
        assert finding.missing or all(part.n for part in finding.parts), claim.id


def test_a_difference_is_of_the_seeds_that_both_have():
    evidence = MadeUp()
    evidence.add(CLAIMS["c8"].runs["paired"].command(), lambda c: gan(fid=3.0 + c.seed))
    evidence.add(f"{CLAIMS['c8'].runs['hinge'].command()} seed=0,1,2", gan(fid=1.0))
    part = finding_of(CLAIMS["c8"], evidence).parts[0]
    assert part.case.values == pytest.approx((2.0, 3.0, 4.0))


def test_a_part_may_be_computed_by_a_function():
    assert judged("b12", {}).verdict == IN_PART


def test_without_a_run_nothing_is_decided_and_the_commands_are_named():
    for name, claim in CLAIMS.items():
        finding = finding_of(claim, MadeUp())
        if claim.runs:
            assert finding.verdict == OPEN, name
            assert len(finding.missing) == len(claim.runs), name
    finding = finding_of(CLAIMS["a1"], MadeUp())
    command = "python -m lab -m +experiment=a1_five_digits 'seed=range(20)'"
    assert finding.missing == (f"20 of 20 runs of {command}",)


def test_a_finished_run_is_not_missing_whatever_its_folder_is_called():
    evidence = MadeUp()
    evidence.add("-m +experiment=a1_five_digits seed=range(20)", {"accuracy": 1.0})
    renamed = {name: f"name-of-another-version-{name[-8:]}" for name in evidence.rows}
    evidence.rows = {renamed[name]: {**row, "run": renamed[name]}
                     for name, row in evidence.rows.items()}  # fmt: skip
    evidence.configs = {renamed[name]: config for name, config in evidence.configs.items()}
    evidence.table = pd.DataFrame(list(evidence.rows.values()))
    finding = finding_of(CLAIMS["a1"], evidence)
    assert (finding.verdict, finding.missing) == (HOLDS, ())


def test_a_sentence_needs_the_numbers_that_it_names():
    evidence = MadeUp()
    evidence.add("-m +experiment=lstm_or_rnn seq_len=5,9", of_label(0.9, 1.0, 1.0))
    finding = finding_of(CLAIMS["a2"], evidence)
    assert finding.verdict == OPEN
    assert "is 0.100 above that of an RNN" in finding.sentence(finding.claim.finding)
    assert finding.sentence("the first is {1:.0f}") == ""


def accuracies(*values: float) -> Any:
    """The numbers of A1's seeds, again and again."""
    return lambda config: {"accuracy": values[config.seed % len(values)]}


@pytest.mark.parametrize(
    ("values", "state"),
    [((1.0,), "holds"), ((0.99, 0.98), "fails"), ((1.0, 0.98), "undecided"),
     ((1.0, 1.0, 1.0, 1.0, 0.96), "undecided")],
)  # fmt: skip
def test_the_interval_decides_and_not_the_mean(values: tuple[float, ...], state: str):
    finding = judged("a1", {"five": accuracies(*values)})
    assert finding.states == [state]
    part = finding.parts[0]
    if values[-1] == 0.96:
        assert part.part.is_within(part.mean)
        assert part.case.seeds_needed is None


def test_a_share_has_the_interval_of_its_examples_and_a_fid_students_t():
    part = judged("a1", {"five": {"accuracy": 1.0, "accuracy_count": 200}}).parts[0]
    assert part.case.interval() == pytest.approx(intervals.of_share([1.0] * 20, 200))
    longer = judged("c13", {"mixed": {"accuracy": 1.0, "accuracy_by_length.1024": 1.0}}).parts[0]
    assert longer.case.interval() == pytest.approx(intervals.of_share([1.0] * 10, PER_LENGTH))
    paired = judged("c8", {"paired": lambda c: gan(fid=1.0 + c.seed), "hinge": gan(fid=20.0)})
    values = [1.0 + seed - 20 for seed in range(10)]
    assert paired.parts[0].case.interval() == pytest.approx(intervals.of_mean(values))


@pytest.mark.parametrize(
    ("seeds", "n", "verdict"),
    [("range(19)", 19, OPEN), ("range(20)", 20, HOLDS),
     # Other seeds are no replacement: whoever stops at will is wrong more often.
     ("range(1,24)", 19, OPEN)],
)  # fmt: skip
def test_the_planned_seeds_decide(seeds: str, n: int, verdict: str):
    evidence = MadeUp()
    evidence.add(f"-m +experiment=a1_five_digits seed={seeds}", {"accuracy": 1.0})
    finding = finding_of(CLAIMS["a1"], evidence)
    assert (finding.verdict, finding.parts[0].n) == (verdict, n)


def test_the_quick_plan_decides_nothing():
    evidence = MadeUp()
    evidence.add(CLAIMS["a1"].runs["five"].command(quick=True), {"accuracy": 1.0})
    finding = finding_of(CLAIMS["a1"], evidence)
    assert (finding.verdict, finding.quick, finding.parts[0].n) == (OPEN, True, 3)


def test_one_failed_part_decides_that_a_claim_does_not_hold_in_full():
    numbers = {"one": accuracies(1.0, 0.97), "zero": {"accuracy": 1.0}}
    finding = judged("c3", numbers)
    assert finding.states == ["undecided", "fails"]
    assert (finding.verdict, finding.fails_in_full) == (OPEN, True)
    assert finding.in_words == "1 of 2 parts fails, 1 is undecided"
    # Whatever the undecided part is: some part holds, and some part fails.
    finding = judged("a5", {"lengths": by_length(EVEN, EVEN), "dip": by_epochs(0.7, 1.0)})
    assert (finding.verdict, finding.in_words) == (IN_PART, "2 of 4 parts hold, 2 fail")


def test_one_object_is_judged_by_its_number_and_is_marked():
    finding = judged("c9", {"stacked": gan(modes=995, mode_kl=0.08)})
    assert (finding.verdict, finding.one_run, finding.parts[0].case.interval()) == (
        HOLDS, True, None,
    )  # fmt: skip
    assert not judged("b12", {}).one_run  # formulas are no runs


def test_each_needs_every_interval_within_and_fails_at_a_stricter_one():
    """Six lengths: one outside at 95 % is no failure yet, since six intervals err more often."""

    def rnn_at_15(*values: float) -> Any:
        def numbers(config: Any) -> dict[str, Any]:
            bad = config.cell_name == "rnn" and config.seq_len == 15
            behind = config.cell_name == "rnn" and config.seq_len > 15
            return {"accuracy": values[config.seed] if bad else 0.2 if behind else 1.0}

        return numbers

    dip = {"dip": by_epochs(0.8, 0.8)}
    for values, state in (
        ((0.2, 0.2, 0.2), "holds"),
        ((0.95, 0.951, 0.949), "fails"),
        ((0.95, 0.96, 0.94), "undecided"),
    ):  # fmt: skip
        part = judged("a5", {"lengths": rnn_at_15(*values), **dip}).parts[1]
        assert part.state == state
        if state != "holds":
            assert part.case.where == "seq_len=15"
    assert part.case.state() == "fails"  # at 95 %, of which there are six


def test_the_best_is_chosen_by_the_other_seeds_in_the_direction_of_the_bound():
    def by_seed(metric: str, table: dict[float, tuple[float, ...]]) -> Any:
        return lambda c: {metric: table[c.optimizer["lr"]][c.seed]}

    # Each seed is lucky at a rate of its own; by the others, the rate 0.001 is the best.
    table = {0.0003: (0.9, 0.0, 0.0), 0.001: (0.5, 0.5, 0.5), 0.003: (0.0, 0.9, 0.0),
             0.01: (0.0, 0.0, 0.9)}  # fmt: skip
    part = CLAIMS["a2"].parts[0]
    for bound, expected in (("> 0.05", (0.5, 0.5, 0.5)), ("< 0.05", (0.9, 0.9, 0.9))):
        evidence = MadeUp()
        evidence.add("-m +experiment=a2_learning_rates", by_seed("accuracy", table))
        one = replace(part, bound=bound, minus=None)
        claim = replace(CLAIMS["a2"], parts=[one], finding="", why="")
        assert finding_of(claim, evidence).parts[0].case.values == expected


def test_seeds_are_counted_where_a_metric_is_yes_or_no():
    def parity(config: Any) -> dict[str, Any]:
        right = config.cell_name == "torch_lstm" or config.seed
        return {"accuracy_by_length.500": 1.0 if right else 0.5}

    part = judged("c1", {"recurrent": parity}).parts[1]
    assert part.case.interval() == pytest.approx((0.555, 0.9975), abs=1e-4)


def test_a_run_of_another_setting_does_not_count():
    evidence = MadeUp()
    evidence.add("-m +experiment=a1_five_digits seed=range(20)", {"accuracy": 1.0})
    evidence.add("-m +experiment=a1_five_digits optimizer.lr=0.1", {"accuracy": 0.0})
    finding = finding_of(CLAIMS["a1"], evidence)
    assert (finding.verdict, len(finding.runs["five"])) == (HOLDS, 20)


def test_a_key_that_the_claim_frees_may_differ():
    def freed(claim: Claim) -> Claim:
        runs = {name: replace(r, free=("optimizer",)) for name, r in claim.runs.items()}
        return replace(claim, runs=runs)

    evidence = MadeUp()
    evidence.add("-m +experiment=a1_five_digits optimizer.lr=0.1 seed=range(20)", {"accuracy": 1.0})
    assert finding_of(CLAIMS["a1"], evidence).verdict == OPEN
    finding = finding_of(freed(CLAIMS["a1"]), evidence)
    assert (finding.verdict, finding.missing) == (HOLDS, ())


def test_the_worst_value_of_each_is_shown():
    finding = judged("a5", {"lengths": by_length(EVEN, BEHIND, 9), "dip": by_epochs(1.0, 1.0)})
    assert finding.parts[0].case.where == "seq_len=9"
    assert finding.states == ["fails", "holds", "holds", "holds"]
