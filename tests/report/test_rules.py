"""The rules of a verdict, on claims made up for them: the numbers decide, not the claims' files."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.report.claims import Part, load_claims
from lab.report.verdict import Finding, finding_of
from tests.report.made_up import MadeUp

RUNS = {name: {"overrides": f"seq_len=6 cell={name} 'seed=range(4)'"} for name in ("lstm", "gru")}
INTERVAL = {"by": "interval"} if "by" in Part.__dataclass_fields__ else {}


def judged(folder: Path, numbers: dict[str, dict[int, float]], bound: str, **part: Any) -> Finding:
    """The finding on a claim of one part: the accuracy of the LSTM, by seed, within a bound."""
    statement = {"says": "a part", "metric": "accuracy", "of": {"runs": "lstm"}, "bound": bound}
    claim = {"source": "S0", "study": "memory", "says": "a claim", "runs": RUNS}
    (folder / "claim").mkdir()
    file = folder / "claim/x1.yaml"
    file.write_text(yaml.safe_dump({**claim, "parts": [{**statement, **part, **INTERVAL}]}))
    (read,) = load_claims([str(folder)])
    evidence = MadeUp()
    for cell, by_seed in numbers.items():
        for seed, accuracy in by_seed.items():
            evidence.add(f"-m seq_len=6 cell={cell} seed={seed}", {"accuracy": accuracy})
    return finding_of(read, evidence)


def test_a_difference_is_of_the_seeds_that_both_have(tmp_path: Path) -> None:
    numbers = {"lstm": {0: 0.9, 1: 0.8, 2: 0.7, 3: 0.99}, "gru": {0: 0.5, 1: 0.4, 2: 0.3}}
    (part,) = judged(tmp_path, numbers, "> 0", minus={"runs": "gru"}).parts
    assert part.case.values == pytest.approx((0.4, 0.4, 0.4))


@pytest.mark.parametrize(
    ("values", "holds"), [((0.96, 0.97, 0.98, 0.97), True), ((0.9, 1.0, 0.99, 1.0), False)]
)
def test_the_interval_decides_and_not_the_mean(
    tmp_path: Path, values: tuple[float, ...], holds: bool
) -> None:
    finding = judged(tmp_path, {"lstm": dict(enumerate(values))}, ">= 0.95")
    assert sum(values) / 4 > 0.95
    assert (finding.verdict == "holds") is holds
