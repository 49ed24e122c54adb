"""The verdicts follow the numbers: made-up runs, one way and the other."""

from pathlib import Path
from typing import Any

import pytest

from lab.report import generation
from lab.report.balance import b3, b4
from lab.report.by_hand import b10, b11, b12
from lab.report.evidence import FAILS, HOLDS, ONLY_IF, OPEN, Results
from lab.report.front import JUDGES, judge_all, sentences
from lab.report.generation import b1
from lab.report.latent import b7, b8, b9, p_value
from lab.report.memory import a1
from lab.report.memory_lengths import a5
from lab.report.progress import b13
from tests.report.fakes import fake_run

A1 = ["+experiment=source_settings", "seq_len=5"]
B3, B4 = ["+experiment=b3_strong_d"], ["+experiment=b4_balanced_d"]
CONVOLUTIONAL = ["+experiment=b13_convolutional"]
NEAR, FAR = {"d_loss": [0.68], "g_loss": [0.72]}, {"d_loss": [0.05], "g_loss": [1.0, 5.0]}


def seeds(out: Path, words: list[str], count: int = 3, **kw) -> None:
    for seed in range(count):
        fake_run(out, *words, f"seed={seed}", **kw)


def test_nothing_was_run(tmp_path: Path):
    results = Results(tmp_path)
    findings = judge_all(results)
    assert list(findings) == list(JUDGES)
    for name, finding in findings.items():
        assert finding.verdict == (ONLY_IF if name == "B12" else OPEN), name
        assert bool(finding.missing) == (name != "B12"), name
    assert len(sentences(results, findings)) == 5


@pytest.mark.parametrize(("accuracy", "verdict"), [(0.995, HOLDS), (0.9, FAILS)])
def test_accuracy_decides(tmp_path: Path, accuracy: float, verdict: str):
    seeds(tmp_path, A1, accuracy=accuracy)
    assert a1(Results(tmp_path)).verdict == verdict


def test_too_few_seeds_settle_nothing(tmp_path: Path):
    seeds(tmp_path, A1, 2)
    finding = a1(Results(tmp_path))
    assert finding.verdict == OPEN
    assert finding.phrase == "not settled (so far: holds)"
    assert "2 of the 3 seeds" in finding.missing[0]


def test_a_run_of_another_setting_has_no_say(tmp_path: Path):
    seeds(tmp_path, A1)
    seeds(tmp_path, [*A1, "optimizer.lr=0.1"], accuracy=0.1)
    finding = a1(Results(tmp_path))
    assert finding.verdict == HOLDS
    assert len(finding.evidence) == 3


def lengths(out: Path, rnn_at_25: float) -> None:
    for cell, at_25 in (("rnn", rnn_at_25), ("lstm", 1.0)):
        for T, accuracy in ((3, 1.0), (10, 0.99), (15, at_25), (25, at_25)):
            words = ["+experiment=a5_rnn_vs_lstm", f"cell={cell}", f"seq_len={T}"]
            seeds(out, words, accuracy=accuracy)
        for epochs, accuracy in ((100, 0.7 if cell == "lstm" else 0.8), (1000, 1.0)):
            words = ["+experiment=a5_dip_at_three", f"cell={cell}", f"epochs={epochs}"]
            fake_run(out, *words, accuracy=accuracy)


def test_a_dip_that_more_updates_cure_is_no_want_of_data(tmp_path: Path):
    lengths(tmp_path, rnn_at_25=0.2)
    finding = a5(Results(tmp_path))
    assert finding.verdict == ONLY_IF
    assert "more updates on the same 80 palindromes cure it" in finding.condition
    assert "not the RNN" not in finding.condition


def test_an_rnn_that_does_not_fall(tmp_path: Path):
    lengths(tmp_path, rnn_at_25=0.95)
    assert "not the RNN's fall" in a5(Results(tmp_path)).condition


def test_the_balanced_d_that_is_worse(tmp_path: Path):
    seeds(tmp_path, [*B3, "max_steps=6000"], steps=6000, fid=10.0, recall=0.6, curves=FAR)
    seeds(tmp_path, [*B4, "max_steps=6000"], steps=6000, fid=20.0, recall=0.4, curves=NEAR)
    finding = b4(Results(tmp_path))
    assert finding.verdict == ONLY_IF
    assert "near log 2 holds, not better than B3, nor log 2 as a sign" in finding.condition
    assert "FID 20.0 against 10.0" in finding.reason


def test_the_balanced_d_that_is_better(tmp_path: Path):
    seeds(tmp_path, [*B3, "max_steps=6000"], steps=6000, fid=20.0, recall=0.4, curves=FAR)
    seeds(tmp_path, [*B4, "max_steps=6000"], steps=6000, fid=10.0, recall=0.6, curves=NEAR)
    assert b4(Results(tmp_path)).verdict == HOLDS


def test_a_strong_d_needs_fifty_epochs(tmp_path: Path):
    fake_run(tmp_path, *B3, "max_steps=6000", epochs=6.4, curves=FAR)
    assert b3(Results(tmp_path)).phrase == "not settled (so far: holds)"
    fake_run(tmp_path, *B3, steps=187_600, curves=FAR)
    assert b3(Results(tmp_path)).verdict == HOLDS


def test_early_gradients(tmp_path: Path):
    words = ["+experiment=b1_minimax", "max_steps=6000"]
    seeds(tmp_path, [*words, "loss=minimax"], fid=40.0, curves={"d_fake": [0.05]})
    seeds(tmp_path, [*words, "loss=non_saturating"], fid=20.0, curves={"d_fake": [0.1]})
    finding = b1(Results(tmp_path))
    assert finding.verdict == HOLDS
    assert "18.0 times as much" in finding.reason


WALKS: dict[str, Any] = {
    "path_length_linear": 20.0, "path_length_farther": 21.0, "third_class_linear": 0.6,
    "third_class_spherical": 0.5, "third_class_farther": 0.7, "largest_step_linear": 0.3,
}  # fmt: skip


def sums(nines: int, sixes: int) -> dict[str, Any]:
    counts = {"9": nines, "6": sixes, "0": 200 - nines - sixes}
    null = {"9": 4, "6": 196}
    of_each = {
        "single": counts, "means": counts, "on_row": counts, "as_written": counts,
        "null_single": null, "null_means": null,
    }  # fmt: skip
    return {"sum_7-1+6": of_each}


@pytest.mark.parametrize(
    ("nines", "sixes", "verdict"), [(150, 30, HOLDS), (40, 150, ONLY_IF), (5, 190, FAILS)]
)
def test_sums_against_their_null(tmp_path: Path, nines: int, sixes: int, verdict: str):
    seeds(tmp_path, ["task=gan"], **WALKS, **sums(nines, sixes))
    assert b9(Results(tmp_path)).verdict == verdict


def test_walks(tmp_path: Path):
    seeds(tmp_path, ["task=gan"], **WALKS)
    results = Results(tmp_path)
    assert b7(results).verdict == HOLDS
    assert b8(results).phrase == "holds only if a way longer by 5% counts as noticeable"


def test_bf16_is_not_counted_as_the_source_s_setting(tmp_path: Path):
    fake_run(tmp_path, *B3)
    fake_run(tmp_path, *B3, "precision=bf16")
    found = Results(tmp_path).where(generation.B3)
    assert found.arithmetic.tolist() == ["fp32"]
    assert found.precision.tolist() == [0.8]


def test_p_value():
    assert p_value(50, 100, 50, 100) == 1.0
    assert p_value(0, 100, 0, 100) == 1.0
    assert p_value(60, 100, 40, 100) == pytest.approx(0.0047, abs=1e-4)


@pytest.mark.parametrize(("last", "verdict"), [(0.4, HOLDS), (0.8, FAILS)])
def test_decline(tmp_path: Path, last: float, verdict: str):
    shares = {"0": 0.0, "500": 0.1, "1200": 0.8, "2000": last}
    digits = {"3": {"judge_share": shares, "fid": dict.fromkeys(shares, 50.0)}}
    words = ["task=one_layer_gan", "digits=[3]"]
    seeds(
        tmp_path, words, steps=2000, judge_share=last, best_judge_share=0.8, fid=50.0,
        fid_floor=1.0, digits=digits, label="single layers, sgd",
    )  # fmt: skip
    assert b10(Results(tmp_path)).verdict == verdict


def test_adam_and_the_mlps_are_judged_beside_single_layers_of_the_usual_start(tmp_path: Path):
    pairs = {
        ("init_scale=0.01",): ("single layers, sgd", 0.3),
        ("init_scale=0.05",): ("single layers, sgd", 0.1),
        ("+experiment=b11_adam",): ("single layers, adam", 0.2),
        ("+experiment=b11_mlp",): ("MLPs, sgd", 0.9),
    }
    for words, (label, share) in pairs.items():
        seeds(
            tmp_path, ["task=one_layer_gan", "digits=[3]", *words], steps=2000, label=label,
            judge_share=share, best_judge_share=share, fid=50.0, best_fid=50.0, fid_floor=1.0,
        )  # fmt: skip
    finding = b11(Results(tmp_path))
    assert "30% with single layers, sgd" in finding.reason
    assert finding.phrase.startswith("holds only if it is about Adam")


def test_gradients_need_no_run(tmp_path: Path):
    finding = b12(Results(tmp_path))
    assert finding.verdict == ONLY_IF
    assert len(finding.table) == 4


def test_a_run_of_another_version_is_told_and_left_out(tmp_path: Path):
    folder = fake_run(tmp_path, *A1)
    folder.config_file.write_text("task: lstm\n_target_: lab.memory.config.MemoryConfig\n")
    results = Results(tmp_path)
    assert results.runs.empty
    assert len(results.unreadable) == 1


@pytest.mark.parametrize(("fid", "verdict"), [(1.0, HOLDS), (30.0, ONLY_IF)])
def test_the_convolutional_pair_is_judged_where_most_seeds_are(tmp_path: Path, fid, verdict):
    seeds(tmp_path, B3, seconds=100.0)
    seeds(tmp_path, CONVOLUTIONAL, curves={"fid": [fid]}, seconds=100.0)
    # One seed left to run for longer is not what three seeds show.
    fake_run(tmp_path, *CONVOLUTIONAL, "max_steps=24000", steps=24000, seconds=100.0)
    finding = b13(Results(tmp_path))
    assert finding.verdict == verdict
    assert f"an FID of {fid:.1f}" in finding.reason
