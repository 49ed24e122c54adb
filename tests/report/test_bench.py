"""The bench in the report: which runs count, what its table and its figure say."""

import pytest

from lab.memory.config import in_words
from lab.report import figures, tool
from lab.report.bench import Bench
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
    bench = Bench(evidence)
    assert len(bench.rows) == 3  # a run with another budget is not one of the bench
    (line,) = bench.lines
    assert line[:5] == ["parity", "LSTM, forget bias 1", "3", "100.0 % (100.0 % to 100.0 %)", "500"]
    assert line[5] == "91.0 % (90.0 % to 92.0 %)"


def test_a_cell_of_the_users_own_and_its_rate_stand_beside_ours():
    evidence = bench_runs()
    numbers = {"sequence": "parity", "chance": 0.5, "accuracy": 0.5, "longest_correct": 0,
               "accuracy_by_length.40": 0.5, "accuracy_by_length.500": 0.5}  # fmt: skip
    evidence.add(f"{COMMAND} cell=gru seed=7", {**numbers, "label": "MyCell"})
    evidence.add(f"{COMMAND} cell=gru seed=7 optimizer.lr=0.001", {**numbers, "label": "MyCell"})
    bench = Bench(evidence)
    assert [line[1:3] for line in bench.lines] == [
        ["LSTM, forget bias 1", "3"], ["MyCell", "1"], ["MyCell, rate 0.001", "1"],
    ]  # fmt: skip
    (axis,) = figures.beyond(bench.rows).axes
    assert {line.get_label() for line in axis.lines} > {"MyCell", "LSTM, forget bias 1"}


@pytest.mark.parametrize(
    ("label", "words"),
    [("torch_lstm, forget bias 1", "LSTM, forget bias 1"), ("gru, default init", "GRU"),
     ("rnn, orthogonal init", "RNN, orthogonal"), ("rnn, default init", "RNN, default"),
     ("min_gru, default init", "minGRU"), ("MyCell", "MyCell")],
)  # fmt: skip
def test_a_cell_has_one_name(label: str, words: str):
    assert in_words(label) == words


def test_the_figure_has_the_chance_of_its_sequence():
    axis = figures.beyond(Bench(bench_runs()).rows).axes[0]
    assert axis.get_title() == "parity"
    assert any("chance, 50" in text.get_text() for text in axis.texts)
    curve = next(line for line in axis.lines if str(line.get_label()).startswith("LSTM"))
    assert curve.get_xydata().round(3).tolist() == [[40.0, 1.0], [500.0, 0.91]]


def test_the_bench_is_printed_as_a_table(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("lab.report.evidence.Evidence", lambda *folders: bench_runs())
    tool.print_bench(tmp_path, lambda line: None)
    head, line = capsys.readouterr().out.splitlines()
    assert head.split()[:3] == ["sequence", "cell", "seeds"]
    assert line.startswith("parity    LSTM, forget bias 1")
