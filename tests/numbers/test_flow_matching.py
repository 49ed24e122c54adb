"""The numbers of examples/flow_matching.py: from its weights, its noise and `marks`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import lab
from lab.cli import compose_config
from lab.config import RunConfig
from lab.config.trust import trusting
from tests.command_line import ROOT
from tests.numbers import MARKS, Classifier, fid, last_row, marks, scaled, some, stream
from tests.numbers.test_keys import begun, trained

CONF = str(ROOT / "examples/conf")
WORDS = (
    *("task=flow", *MARKS, "device=cpu", "precision=fp32", "conditional=true", "batch_size=10"),
    *("max_steps=6", "eval_every=2", "log_every=1", "velocity.width=8", "solver_steps=2"),
    *("also_steps=[1,3]", "eval_samples=60", "final_samples=90", "sample_every=3", "ema=0.9"),
)


@pytest.fixture(scope="module", autouse=True)
def _flow_matching() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch, trusting("flow_matching"):
        patch.syspath_prepend(str(ROOT / "examples"))
        yield


def config_of(*words: str) -> RunConfig:
    return compose_config(*WORDS, *words, config_dir=CONF)


def test_the_metrics_are_those_of_the_average(cache: Path, tmp_path: Path) -> None:
    run = lab.run(*WORDS, f"out_dir={tmp_path}", config_dir=CONF)
    judge, network = Classifier(cache, run.result["classifier"]["checksum"]), run.network

    @torch.no_grad()
    def fid_of(purpose: str, count: int, steps: int = 2) -> Any:
        random, network.steps = stream(purpose), steps  # type: ignore[assignment]
        z = torch.randn(count, 64, generator=random)
        labels = torch.from_numpy(marks("train")[1])[torch.randint(400, (count,), generator=random)]
        real = judge(scaled(marks("test")[0][some(360, count)]))[2]
        return pytest.approx(fid(real, judge(network(z, labels))[2]), rel=1e-3)

    assert run.result["quality"]["fid"] == fid_of("final", 90)
    assert last_row(run)["fid"] == fid_of("evaluation", 60)
    assert run.result["evaluations"] == 4  # Heun's method takes two a step
    assert run.result["fid_by_evaluations"] == {
        "2": fid_of("evaluation", 60, steps=1), "6": fid_of("evaluation", 60, steps=3),
    }  # fmt: skip


def test_the_loss_is_that_of_straight_lines_from_noise_to_images() -> None:
    task: Any = begun(config_of("optimizer.lr=1e-30"))
    for weight in task.flow.parameters():  # so that time and class matter
        nn.init.normal_(weight, std=0.3)
    pixels, labels = marks("train")
    order, noise = torch.randperm(400, generator=stream("batches")), stream("noise")
    for step in range(3):
        chosen = order[10 * step :][:10]
        image = scaled(pixels[chosen])
        start = torch.randn(10, 64, generator=noise).view(10, 1, 8, 8)
        t = torch.randn(10, generator=noise).sigmoid()
        point = start + t.view(10, 1, 1, 1) * (image - start)
        with torch.no_grad():
            velocity = task.flow.velocity(point, t, torch.from_numpy(labels)[chosen])
        wanted = (velocity - (image - start)).square().mean()
        assert float(task.step()["loss"]) == pytest.approx(float(wanted), rel=1e-5)


@pytest.mark.parametrize(("solver", "wanted"), [("euler", 0.25), ("heun", 0.5)])
def test_a_solver_asks_at_its_own_times(solver: str, wanted: float) -> None:
    """Of the velocity t Heun's method gives the exact integral, Euler's too little."""

    class Time(nn.Module):
        def forward(self, x: Tensor, t: Tensor, labels: Tensor | None) -> Tensor:
            return t.view(-1, 1, 1, 1).expand_as(x)

    task: Any = begun(config_of(f"solver={solver}"))
    flow = task.flow
    flow.velocity = Time()
    assert flow(torch.zeros(2, 64)).flatten().tolist() == pytest.approx([wanted] * 128)


def test_a_saved_state_goes_on_bit_for_bit() -> None:
    assert trained(config_of(), pause=3) == trained(config_of())
