"""Each number of README's results follows from the committed evidence."""

from collections.abc import Callable, Sequence
from statistics import mean
from typing import Any

import pytest

from lab.cli import compose_jobs
from lab.report.evidence import SAVED, Evidence
from tests.command_line import ROOT

Row = dict[str, Any]
PARITY = "-m +experiment=bench_state bench=every_parity rated=min_gru_"


def solved(rows: Sequence[Row]) -> str:
    steps = [row["steps"] for row in rows]
    perfect = sum(row["val_accuracy"] == 1 for row in rows)
    return f"{perfect} of {len(rows)}, after {min(steps)} to {max(steps)} steps"


def at_least_99(rows: Sequence[Row]) -> str:
    return str(sum(row["val_accuracy"] >= 0.99 for row in rows))


def mean_at_1024(rows: Sequence[Row]) -> str:
    return f"{100 * mean([row['accuracy_by_length.1024'] for row in rows]):.0f} %"


def fids(rows: Sequence[Row]) -> str:
    values = [row["quality.fid"] for row in rows]
    return f"{mean(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def shares(rows: Sequence[Row]) -> str:
    values = [100 * row["classifier_accuracy"] for row in rows]
    return f"{mean(values):.0f} % ({min(values):.0f} to {max(values):.0f} %)"


RESULTS: list[tuple[str, Callable[[Sequence[Row]], str], str]] = [
    ("-m +experiment=all_remember", solved, "115 of 115, after 20 to 80 steps"),
    ("-m +experiment=lstm_or_rnn tuned=lstm", at_least_99, "LSTM 115 of 115, RNN 100"),
    ("-m +experiment=lstm_or_rnn tuned=rnn", at_least_99, "RNN 100"),
    (f"{PARITY}signed", mean_at_1024, "| 100 %; 51 % |"),
    (f"{PARITY}positive", mean_at_1024, "100 %; 51 % |"),
    ("-m task=gan seed=0,1,2", fids, "0.83 (0.77 to 0.91)"),
    ("+experiment=stacked_mnist", lambda rows: f"{rows[0]['quality.modes']:,}", "| 1,000 |"),
    ("-m task=one_layer_gan 'seed=range(5)'", shares, "31 % (29 to 32 %)"),
]


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    return Evidence(ROOT / "outputs", SAVED)


@pytest.mark.parametrize(
    ("command", "number", "text"), RESULTS, ids=[command for command, *_ in RESULTS]
)
def test_a_result_of_readme_follows_from_the_evidence(
    evidence: Evidence, command: str, number: Callable[[Sequence[Row]], str], text: str
) -> None:
    assert text in (ROOT / "README.md").read_text(encoding="utf-8")
    names = [evidence.name_of(config) for config in compose_jobs(command)]
    assert all(names), f"{names.count(None)} of {len(names)} runs have no row"
    found = number([evidence.rows[name] for name in names if name is not None])
    assert found in text
