"""The bench in the report: which runs count, what its table and its figure say."""

from lab.report import figures
from lab.report.bench import BENCH, bench_table
from lab.report.page import Report
from tests.report.made_up import MadeUp

COMMAND = "-m +experiment=bench bench=parity cell=torch_lstm_bias_1 seed=0,1,2"


def bench_runs() -> MadeUp:
    evidence = MadeUp()
    evidence.add(COMMAND, lambda config: {
        "sequence": "parity", "chance": 0.5, "accuracy": 1.0, "longest_correct": 500,
        "accuracy_by_length.40": 1.0, "accuracy_by_length.500": 0.9 + config.seed / 100,
    })  # fmt: skip
    return evidence


def test_the_table_has_the_median_of_the_seeds():
    evidence = bench_runs()
    evidence.add(f"{COMMAND} max_steps=10", {"sequence": "parity", "chance": 0.5})
    rows = BENCH.found(evidence)
    assert len(rows) == 3  # a run with another budget is not one of the bench
    table = bench_table(rows)
    assert "<td>parity</td><td>torch_lstm" in table
    assert "<td>91.0 % (90.0 % to 92.0 %)</td>" in table
    assert "<td>500</td>" in table


def test_the_figure_has_the_chance_of_its_sequence():
    axis = figures.beyond(bench_runs().table).axes[0]
    assert axis.get_title() == "parity"
    assert any("chance, 50" in text.get_text() for text in axis.texts)
    curve = next(line for line in axis.lines if str(line.get_label()).startswith("torch_lstm"))
    assert curve.get_xydata().round(3).tolist() == [[40.0, 1.0], [500.0, 0.91]]


def test_without_runs_the_command_stands_there(capsys, tmp_path):
    Report(str(tmp_path)).bench()
    assert BENCH.command == "python -m lab -m +experiment=bench"
    assert "IPython.core.display.HTML" in capsys.readouterr().out
