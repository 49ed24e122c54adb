"""Each claim, judged both ways on made-up numbers; which parts hold, and which are undecided."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from lab.cli import CONF
from lab.config import RunConfig
from lab.report import intervals
from lab.report.claims import Claim, load_claims
from lab.report.verdict import finding_of
from tests.report.made_up import MadeUp, history

CLAIMS = {claim.id: claim for claim in load_claims([CONF])}
HOLDS, IN_PART, FAILS, OPEN = "holds", "holds in part", "does not hold", "undecided"


def judged(name: str, numbers: dict[str, Any], change: Callable[[Claim], Claim] = lambda c: c):
    """The finding on a claim whose runs, by name, have these numbers."""
    claim, evidence = change(CLAIMS[name]), MadeUp()
    for runs, given in numbers.items():
        evidence.add(claim.runs[runs].command(), given)
    return finding_of(claim, evidence)


def of_cell(**accuracy: float) -> Callable[[RunConfig], dict[str, Any]]:
    return lambda config: {"accuracy": accuracy[config.cell_name]}  # type: ignore[attr-defined]


def at_500(**accuracy: float) -> Callable[[RunConfig], dict[str, Any]]:
    return lambda c: {"accuracy_by_length.500": accuracy[c.cell_name]}  # type: ignore[attr-defined]


def by_init(**steps: int) -> Any:
    return lambda c: {"steps": steps[c.cell["init"]], "accuracy": 1.0}


def by_length(short: dict[str, float], long: dict[str, float], at: int = 15) -> Any:
    def numbers(config: Any) -> dict[str, Any]:
        return {"accuracy": (long if config.seq_len >= at else short)[config.cell_name]}

    return numbers


def by_rate(best: float, accuracy: float, other: float) -> Any:
    return lambda c: {"accuracy": accuracy if c.optimizer["lr"] == best else other}


def of_label(default: float, best_rnn: float, lstm: float) -> Any:
    def numbers(config: Any) -> dict[str, Any]:
        name = config.label
        value = default if name == "rnn, default init" else (
            best_rnn if name.startswith("rnn") else lstm)  # fmt: skip
        return {"accuracy": value}

    return numbers


def by_epochs(few: float, many: float) -> Any:
    return lambda c: {"accuracy": few if c.epochs == 100 else many}


def factors(h: float, c_initial: float, c_trained: float) -> dict[str, float]:
    return {"gradient_factor.h_initial": h, "gradient_factor.c_initial": c_initial,
            "gradient_factor.c_trained": c_trained}  # fmt: skip


def gan(**numbers: float) -> dict[str, float]:
    return {"fid": 10.0, "real_fid": 0.2, "recall": 0.5, "precision": 0.8, "real_precision": 0.9,
            "first_d_loss": 0.6, "last_d_loss": 0.69, "first_g_loss": 0.8, "last_g_loss": 0.7,
            "first_d_fake": 0.4, "first_fid": 50.0, "half_fid": 20.0, "last_fid": 10.0,
            "half_clear": 0.6, **numbers}  # fmt: skip


def sums(nine: int, null: int, seven: int) -> dict[str, int]:
    sum_of = "latent.arithmetic.7-1+6"
    return {f"{sum_of}.source_row.9": nine, f"{sum_of}.random_single.9": null,
            f"{sum_of}.difference.7": seven}  # fmt: skip


def course(at_500: float, at_1200: float, at_2000: float) -> dict[str, Any]:
    shares = [at_500, at_1200, at_2000]
    curve = history(step=[500, 1200, 2000], classifier_accuracy=shares)
    return {"history": curve, "last_classifier_accuracy": at_2000}


EVEN = {"rnn": 1.0, "lstm": 1.0}
BEHIND = {"rnn": 0.2, "lstm": 1.0}


def tracked(accuracies: dict[str, float]) -> Any:
    """The results of runs by a part of their label, the same at each length."""

    def result(config: Any) -> dict[str, Any]:
        label = config.label
        accuracy = next((value for part, value in accuracies.items() if part in label), 1.0)
        lengths = {f"accuracy_by_length.{length}": accuracy for length in (64, 256, 1024)}
        return {"accuracy": accuracy, "label": label, "sequence": config.sequence_name, **lengths}

    return result


BOTH_WAYS = [
    ("a1", {"five": {"accuracy": 0.995}}, HOLDS),
    ("a1", {"five": {"accuracy": 0.9}}, FAILS),
    ("a2", {"rates": by_rate(0.01, 1.0, 0.5), "cells": of_label(0.1, 0.5, 1.0),
            "lengths": of_label(0.9, 1.0, 1.0)}, HOLDS),
    ("a2", {"rates": by_rate(0.001, 1.0, 0.5), "cells": of_label(0.1, 1.0, 1.0),
            "lengths": of_label(0.9, 1.0, 1.0)}, IN_PART),
    ("a3", {"number": {"accuracy": 1.0}}, HOLDS),
    ("a3", {"number": {"accuracy": 0.98}}, FAILS),
    ("a4", {"number": by_length(EVEN, BEHIND, 19), "four": {"accuracy": 0.5}}, HOLDS),
    ("a4", {"number": by_length(EVEN, BEHIND, 14), "four": {"accuracy": 0.5}}, IN_PART),
    ("a5", {"lengths": by_length(EVEN, BEHIND), "dip": by_epochs(0.8, 0.8)}, HOLDS),
    ("a5", {"lengths": by_length(EVEN, BEHIND), "dip": by_epochs(0.7, 1.0)}, IN_PART),
    ("a6", {"five": {"accuracy": 1.0}, "twenty": {"accuracy": 1.0}}, HOLDS),
    ("a6", {"five": {"accuracy": 1.0}, "twenty": {"accuracy": 0.2}}, IN_PART),
    ("a7", {"lengths": factors(0.5, 0.99, 1.0)}, HOLDS),
    ("a7", {"lengths": factors(0.5, 0.6, 1.0)}, IN_PART),
    ("c1", {"recurrent": at_500(torch_lstm=1.0, rnn=0.95),
            "attention": at_500(transformer=0.5)}, HOLDS),
    ("c1", {"recurrent": at_500(torch_lstm=1.0, rnn=0.7),
            "attention": at_500(transformer=0.5)}, IN_PART),
    ("c2", {"parity": at_500(torch_lstm=1.0, min_gru=0.5)}, HOLDS),
    ("c2", {"parity": at_500(torch_lstm=1.0, min_gru=0.99)}, FAILS),
    ("c3", {"one": {"accuracy": 1.0}, "zero": {"accuracy": 0.1}}, HOLDS),
    ("c3", {"one": {"accuracy": 1.0}, "zero": {"accuracy": 1.0}}, IN_PART),
    ("c4", {"both": by_init(chrono=500, forget_bias=900)}, HOLDS),
    ("c4", {"both": by_init(chrono=900, forget_bias=500)}, IN_PART),
    ("c5", {"adding": of_cell(irnn=0.99, torch_lstm=1.0, rnn=0.1)}, HOLDS),
    ("c5", {"adding": of_cell(irnn=0.99, torch_lstm=1.0, rnn=0.99)}, IN_PART),
    ("c6", {"attention": {"accuracy": 1.0}, "recurrent": {"accuracy": 0.3}}, HOLDS),
    ("c6", {"attention": {"accuracy": 1.0}, "recurrent": {"accuracy": 0.99}}, IN_PART),
    ("c7", {"asked": gan(class_accuracy=0.99, fid=0.9), "free": gan(fid=1.0)}, HOLDS),
    ("c7", {"asked": gan(class_accuracy=0.99, fid=1.7), "free": gan(fid=1.0)}, IN_PART),
    ("c8", {"paired": gan(fid=1.0, recall=0.8), "hinge": gan(fid=2.0, recall=0.7)}, HOLDS),
    ("c8", {"paired": gan(fid=3.0, recall=0.6), "hinge": gan(fid=2.0, recall=0.7)}, FAILS),
    ("c9", {"stacked": gan(modes=995, mode_kl=0.08)}, HOLDS),
    ("c9", {"stacked": gan(modes=995, mode_kl=0.3)}, IN_PART),
    ("c10", {"parity": tracked({"positive": 0.6, "coupled": 0.6, "signed": 1.0})}, HOLDS),
    ("c10", {"parity": tracked({"positive": 0.6, "coupled": 1.0, "signed": 1.0})}, IN_PART),
    ("c11", {"s3": tracked({"1 reflection": 0.4, "2 reflections": 1.0})}, HOLDS),
    ("c11", {"s3": tracked({"1 reflection": 0.4, "2 reflections": 0.5})}, IN_PART),
    ("c12", {"delta": tracked({"beta to 2": 1.0, "beta to 1": 0.6}),
             "diagonal": tracked({"positive": 0.6, "signed": 1.0})}, HOLDS),
    ("c12", {"delta": tracked({"beta to 2": 0.6, "beta to 1": 0.6}),
             "diagonal": tracked({"positive": 0.6, "signed": 1.0})}, IN_PART),
    ("c13", {"s3": tracked({"min_gru": 0.2, "gru": 1.0, "slstm": 1.0})}, HOLDS),
    ("c13", {"s3": tracked({"min_gru": 0.2, "gru": 1.0, "slstm": 0.5})}, IN_PART),
    ("c14", {"depth": lambda c: {"accuracy": 0.25 * c.block.layers}}, IN_PART),
    ("c14", {"depth": lambda c: {"accuracy": 0.32 * c.block.layers}}, HOLDS),
    ("c15", {"walks": tracked({"gru": 1.0, "torch_lstm": 1.0})}, HOLDS),
    ("c15", {"walks": tracked({"gru": 1.0, "torch_lstm": 0.9})}, IN_PART),
    ("c16", {"queries": of_cell(transformer=1.0, torch_lstm=0.3)}, HOLDS),
    ("c16", {"queries": of_cell(transformer=1.0, torch_lstm=1.0)}, IN_PART),
    ("b1", {"minimax": gan(**{"first_d_fake": 0.1}, fid=30.0), "other": gan()}, HOLDS),
    ("b1", {"minimax": gan(fid=9.0), "other": gan()}, FAILS),
    ("b2", {"long": gan(precision=0.7)}, HOLDS),
    ("b2", {"long": gan(precision=0.89)}, IN_PART),
    ("b3", {"fifty": gan(**{"last_d_loss": 0.01, "last_g_loss": 5.0})}, HOLDS),
    ("b3", {"fifty": gan(**{"last_d_loss": 0.5, "last_g_loss": 1.0})}, IN_PART),
    ("b4", {"balanced": gan(fid=5.0, recall=0.6), "strong": gan()}, HOLDS),
    ("b4", {"balanced": gan(fid=20.0, recall=0.1), "strong": gan()}, IN_PART),
    ("b5", {"balanced": gan()}, HOLDS),
    ("b5", {"balanced": gan(**{"last_fid": 21.0})}, IN_PART),
    ("b6", {"long": gan(precision=0.89, fid=0.5)}, HOLDS),
    ("b6", {"long": gan(precision=0.7)}, FAILS),
    ("b7", {"balanced": {"largest_step_linear": 0.3, "third_class_linear": 0.6}}, HOLDS),
    ("b7", {"balanced": {"largest_step_linear": 0.3, "third_class_linear": 0.4}}, IN_PART),
    ("b8", {"balanced": {"path_length_farther": 12.0, "path_length_linear": 10.0}}, HOLDS),
    ("b8", {"balanced": {"path_length_farther": 10.2, "path_length_linear": 10.0}}, FAILS),
    ("b9", {"balanced": sums(120, 20, 150)}, HOLDS),
    ("b9", {"balanced": lambda c: sums(10 + c.seed % 2, 12, 5)}, FAILS),
    ("b10", {"normal": course(0.1, 0.6, 0.3), "uniform": course(0.1, 0.6, 0.3)}, HOLDS),
    ("b10", {"normal": course(0.5, 0.4, 0.3), "uniform": course(0.0, 0.0, 0.5)}, IN_PART),
    ("b11", {"single": {"classifier_accuracy": 0.5}, "adam": {"classifier_accuracy": 0.1},
             "mlp": {"classifier_accuracy": 0.2}}, HOLDS),
    ("b11", {"single": {"classifier_accuracy": 0.5}, "adam": {"classifier_accuracy": 0.1},
             "mlp": {"classifier_accuracy": 0.9}}, IN_PART),
    ("b12", {}, IN_PART),
    ("b13", {"conv": gan(fid=1.0), "mlp": gan()}, HOLDS),
    ("b13", {"conv": gan(fid=11.0), "mlp": gan()}, FAILS),
]  # fmt: skip


@pytest.mark.parametrize(("name", "numbers", "verdict"), BOTH_WAYS)
def test_the_numbers_decide(name: str, numbers: dict[str, Any], verdict: str):
    finding = judged(name, numbers)
    assert (finding.verdict, finding.missing) == (verdict, ())


def test_every_claim_is_judged_both_ways():
    found: dict[str, set[str]] = {}
    for name, _, verdict in BOTH_WAYS:
        found.setdefault(name, set()).add(verdict)
    assert found.keys() == CLAIMS.keys()
    # The numbers of B12 are those of formulas, which no run changes.
    assert all(len(verdicts) == 2 for name, verdicts in found.items() if name != "b12")


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
