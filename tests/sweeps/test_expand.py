"""The jobs of a sweep before any of them begins."""

from itertools import product

from lab.cli import compose_config, compose_jobs

SWEPT = {"cell": ("gru", "lstm"), "tested_lengths": ("[5]", "[5,8]"), "optimizer.lr": (0.1, 0.2)}


def test_a_sweeps_configs_are_those_of_its_jobs_one_by_one():
    words = [f"{key}={','.join(map(str, values))}" for key, values in SWEPT.items()]
    alone = [
        compose_config(*(f"{key}={value}" for key, value in zip(SWEPT, job, strict=True)))
        for job in product(*SWEPT.values())
    ]
    assert list(compose_jobs(" ".join(["-m", *words]))) == alone


def test_the_command_lines_values_take_the_place_of_a_presets():
    preset = list(compose_jobs("-m +experiment=all_remember"))
    some = list(compose_jobs("-m +experiment=all_remember seq_len=7,9"))
    assert {config.seq_len for config in some} == {7, 9}
    assert some == [config for config in preset if config.seq_len in (7, 9)]
