"""The jobs of a sweep before any of them begins."""

from itertools import product

import pytest

from lab.cli import compose_config, compose_jobs
from lab.config import RunConfig
from lab.config.errors import UserError

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


@pytest.mark.parametrize("key", RunConfig.NOT_IN_HASH)
def test_a_key_that_makes_no_other_run_is_not_swept(key: str):
    listed = f"hydra/sweeper=list +hydra.sweeper.list_params.{key}=[1,2]"
    for words in (f"{key}=1,2", f"{key}=range(1,3)", f"seed=0,1 {key}=interval(1,2)", listed):
        with pytest.raises(UserError, match=rf"^{key}=.*: this key makes no other run"):
            list(compose_jobs(f"-m {words}"))


def test_the_list_sweeper_pairs_keys_of_equal_lengths():
    pairs = "+hydra.sweeper.list_params.seed=[1,2] +hydra.sweeper.list_params.optimizer.lr=[1]"
    with pytest.raises(UserError, match=r"equally many: 2 of seed, 1 of optimizer\.lr"):
        list(compose_jobs(f"-m hydra/sweeper=list {pairs}"))


def test_a_launcher_in_a_preset_that_is_swept_over_is_not_dropped_in_silence(tmp_path):
    (tmp_path / "experiment").mkdir()
    for name, head in (("one", "defaults: [override /hydra/launcher: joblib]"), ("two", "")):
        text = f"# @package _global_\n{head}\nseed: 5\n"
        (tmp_path / f"experiment/{name}.yaml").write_text(text)
    swept = f"-m --config-dir {tmp_path} +experiment=one,two"
    with pytest.raises(UserError, match=r"one sets hydra\.launcher, which has no effect"):
        list(compose_jobs(swept))
    assert len(list(compose_jobs(f"{swept} hydra/launcher=joblib"))) == 2
