"""What is run for the whole report: the commands as data, and the runs that each asks for.

`scripts/reproduce` runs them in this order; the report prints those of what is missing.
"""

import copy
import itertools
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import hydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf, open_dict

from lab.cli import CONF
from lab.config import RunConfig
from lab.config.reading import from_hydra
from lab.engine.run_folder import RunFolder


@dataclass(frozen=True)
class Step:
    """One command of the plan.

    Args:
        serves: the experiments it is for, by their ids.
        words: what follows `python -m lab`.
        seconds: it takes on one idle thread, about.
        part: after each part of the plan there is a report to read.
    """

    serves: str
    words: str
    seconds: float
    part: int = 1

    def command(self, out_dir: str = "outputs") -> str:
        """As a user would type it."""
        return shlex.join(["python", "-m", "lab", *self.arguments(out_dir)])

    def arguments(self, out_dir: str = "outputs") -> list[str]:
        """The words, with where the results go if that is elsewhere."""
        words = shlex.split(self.words)
        return words if out_dir == "outputs" else [*words, f"out_dir={out_dir}"]


# Fewer steps, seeds and images than the sources have; the page says so. 15 minutes on 2 cores.
SHORT_GAN = "max_steps=1500 eval_every=500 eval_samples=1000 final_samples=5000"
SHORT_CONV = "max_steps=500 eval_every=100 eval_samples=1000 final_samples=5000"
THREE_DIGITS = "'digits=[0,3,7]'"
THREE_STARTS = "cell=rnn,rnn_identity,lstm"
FEW_RATES = "seq_len=5,20 optimizer.lr=0.001,0.01"
BOTH_D = "+experiment=b3_strong_d,b4_balanced_d"
QUICK: tuple[Step, ...] = (
    Step("A5", "-m seq_len=5,15,25 seed=0,1,2", 40),
    Step("A1", "+experiment=a1_five_digits seed=0,1,2 max_steps=2000", 25),
    Step("B4 B5 B6", f"-m +experiment=b4_balanced_d seed=0,1 {SHORT_GAN}", 110),
    Step("B3", f"-m +experiment=b3_strong_d seed=0,1 {SHORT_GAN}", 110),
    Step("B10", f"+experiment=b10_ten_digits seed=0,1 {THREE_DIGITS}", 100),
    Step("A5 A7", "+experiment=a5_rnn_vs_lstm seq_len=3,5,10,15,20,25 max_steps=1500", 110),
    Step("B7 B8 B9", f"-m task=gan seed=0,1 {SHORT_GAN}", 110),
    Step("A5", "+experiment=a5_dip_at_three epochs=100,1000 seed=0,1", 50),
    Step("A2 A5", f"+experiment=a5_ours {THREE_STARTS} seq_len=25 seed=0 max_steps=500", 60),
    Step("A2", f"+experiment=a2_learning_rates {FEW_RATES} seed=0 epochs=10", 60),
    Step("B1", f"+experiment=b1_minimax loss=minimax seed=0,1 {SHORT_GAN}", 110),
    Step("A6", "+experiment=a6_short_and_long max_steps=1500", 40),
    Step("B11", f"+experiment=b11_adam {THREE_DIGITS}", 40),
    Step("B11", f"+experiment=b11_mlp {THREE_DIGITS}", 50),
    Step("A3", "+experiment=a3_learning_curves seed=0 max_steps=1250", 40),
    Step("A4", "+experiment=a4_accuracy_vs_length seq_len=4,8,14,20 max_steps=1250", 80),
    Step("B2", f"+experiment=b2_three_layers {SHORT_GAN}", 40),
    Step("B10", f"+experiment=b10_rise_and_decline seed=0 epochs=2000 {THREE_DIGITS}", 60),
    Step("B13", f"+experiment=b13_convolutional {SHORT_CONV}", 60),
)

# The sources' longest settings on one seed, five seeds at up to 12,000 steps. 8 hours on 2 cores.
FULL: tuple[Step, ...] = (
    Step("A1", "+experiment=a1_five_digits", 100),
    Step("A6", "+experiment=a6_short_and_long", 110),
    Step("B3 B4", f"-m {BOTH_D} seed=0,1,2,3,4 max_steps=6000", 1200),
    Step("A5", "+experiment=all_remember", 500),
    Step("A5", "+experiment=a5_dip_at_three", 90),
    Step("A2", "+experiment=a2_learning_rates", 700),
    Step("B1", "+experiment=b1_minimax loss=minimax seed=0,1,2,3,4 max_steps=6000", 600),
    Step("B10", "+experiment=b10_ten_digits seed=0,1,2,3,4", 700),
    Step("B11", "-m +experiment=b11_adam,b11_mlp seed=0,1,2,3,4", 900),
    Step("B7 B8 B9", "-m task=gan seed=0,1,2,3,4", 1700, 2),
    Step("A5 A7", "+experiment=a5_rnn_vs_lstm seq_len=range(3,26,2) seed=0,1,2", 2700, 2),
    Step("B3 B4 B5 B6", f"-m {BOTH_D} seed=0,1,2,3,4 max_steps=12000", 2400, 2),
    Step("A2 A5", "+experiment=a5_ours", 3600, 2),
    Step("B2", "-m +experiment=b2_three_layers seed=0,1,2 max_steps=12000", 500, 2),
    Step("B13", "-m +experiment=b13_convolutional seed=0,1,2", 2000, 2),
    Step("B10", "+experiment=b10_decline", 1300, 2),
    Step("B10", "+experiment=b10_rise_and_decline", 1500, 2),
    Step("A3", "+experiment=a3_learning_curves seed=0", 1400, 3),
    Step("B4 B5 B6", "+experiment=b4_balanced_d", 3400, 3),
    Step("B3", "+experiment=b3_strong_d", 3700, 3),
    Step("A4", "+experiment=a4_accuracy_vs_length seq_len=range(4,21,2)", 6500, 3),
    Step("B1", "+experiment=b1_minimax loss=minimax", 3700, 3),
    Step("B2", "+experiment=b2_three_layers", 1800, 3),
    Step("A5", "+experiment=a5_rnn_vs_lstm seq_len=range(3,26,2) seed=3,4", 1800, 3),
)  # fmt: skip


def serving(experiment: str, steps: tuple[Step, ...] = FULL) -> list[Step]:
    """The steps that are for an experiment."""
    return [step for step in steps if experiment in step.serves.split()]


def runs_of(words: str, out_dir: str = "outputs") -> list[RunFolder]:
    """The folders of the runs that a command makes, whether they exist or not."""
    return [RunFolder(Path(out_dir, "runs", name)) for name in _names(words)]


@cache
def _names(words: str) -> tuple[str, ...]:
    return tuple(config.run_dir.name for config in configs(words))


def configs(words: str) -> Iterator[RunConfig]:
    """The configs of a command's jobs.

    Composed once for each choice of groups: a sweep of a hundred values costs a second, not ten.

    Raises:
        UserError: a value is wrong; Hydra's own exceptions where a key or an option is.
    """
    with hydra.initialize_config_dir(CONF, version_base="1.3"):
        given = [word for word in shlex.split(words) if word != "-m"]
        fixed, swept = _split(given)
        for chosen, plain in _choices(swept):
            base = hydra.compose("config", fixed + chosen, return_hydra_config=True)
            params = base.hydra.sweeper.params or {}
            # The command line's values take the place of a preset's.
            preset = [f"{k}={v}" for k, v in params.items() if k not in _keys(given)]
            preset_fixed, preset_swept = _split(preset)
            with open_dict(base):
                del base["hydra"]
            for more, values in _choices(preset_swept):
                if more or preset_fixed:
                    base = hydra.compose("config", fixed + chosen + preset_fixed + more)
                yield from _of_values(base, {**values, **plain})


def _choices(swept: dict[str, list[str]]) -> Iterator[tuple[list[str], dict[str, list[str]]]]:
    """Each choice of the swept groups as words, with the swept keys that are no groups."""
    groups = {key: values for key, values in swept.items() if _is_group(key)}
    plain = {key: values for key, values in swept.items() if key not in groups}
    for choice in itertools.product(*groups.values()):
        yield [f"{key}={value}" for key, value in zip(groups, choice, strict=True)], plain


def _of_values(base: DictConfig, plain: dict[str, list[str]]) -> Iterator[RunConfig]:
    """A config for each combination of plain values; no other key depends on the seed."""
    seeds = plain.get("seed", [])
    others = {key: values for key, values in plain.items() if key != "seed"}
    for values in itertools.product(*others.values()):
        cfg = copy.deepcopy(base) if others else base
        for key, value in zip(others, values, strict=True):
            OmegaConf.update(cfg, key, OmegaConf.from_dotlist([f"x={value}"]).x)
        config = from_hydra(cfg)
        yield from (replace(config, seed=int(seed)) for seed in seeds) if seeds else [config]


def _keys(words: list[str]) -> set[str]:
    return {word.partition("=")[0] for word in words}


def _is_group(key: str) -> bool:
    return Path(CONF, key.lstrip("+")).is_dir()


def _split(words: list[str]) -> tuple[list[str], dict[str, list[str]]]:
    """The words that say one value, and the values of those that say several."""
    fixed, swept = [], {}
    for override in OverridesParser.create().parse_overrides(words):
        if override.is_sweep_override():
            swept[override.get_key_element()] = list(override.sweep_string_iterator())
        else:
            fixed.append(override.input_line)
    return fixed, swept  # type: ignore[return-value]
