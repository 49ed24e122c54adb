"""Each function of lab/patches.py fails here if its library has changed under it."""

import inspect
import sys
from multiprocessing import spawn
from types import ModuleType

import hydra
import pytest
from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from torch import optim

from lab import patches
from lab.cli.composing import application, compose_config


def test_hydra_still_copies_its_store(monkeypatch):
    copies = []
    monkeypatch.setattr(
        ConfigStore, "__deepcopy__", lambda store, memo: copies.append(store) or store
    )
    compose_config("seq_len=5")
    assert copies


def test_hydra_takes_plugins_by_the_name_of_their_package_alone():
    for name in ("Workers", "Combinations"):
        assert f"{patches.PLUGINS}.{name}" in Plugins.instance().class_name_to_class
    assert Plugins.is_in_toplevel_plugins_module(f"{patches.PLUGINS}.Workers")
    assert not Plugins.is_in_toplevel_plugins_module("lab.sweeps.launcher.Workers")


def test_hydras_store_is_a_table_of_files_from_which_those_with_our_names_are_gone():
    hydras = ConfigStore.instance().repo["hydra"]
    assert "basic.yaml" in hydras["sweeper"]
    assert "basic.yaml" in hydras["launcher"]
    assert "optuna.yaml" not in hydras["sweeper"]
    pytest.importorskip("hydra_plugins.hydra_optuna_sweeper")
    with application(["task=lstm"]):
        node = hydra.compose("config", ["hydra/sweeper=optuna"], return_hydra_config=True)
    assert node.hydra.sweeper.n_trials == 20  # of our YAML


def test_hydra_reads_the_files_of_an_application_without_a_command_line(tmp_path):
    (tmp_path / "cell").mkdir()
    (tmp_path / "cell" / "own.yaml").write_text("_target_: torch.nn.LSTM\n")
    assert compose_config("cell=own", config_dir=tmp_path).cell["_target_"] == "torch.nn.LSTM"


@pytest.mark.parametrize("cls", [optim.RMSprop, optim.Adam, optim.AdamW, optim.SGD])
def test_torch_still_wraps_the_methods_that_are_unwrapped(cls):
    for name in patches.WRAPPED:
        theirs = getattr(cls, name)
        assert inspect.unwrap(theirs) is not theirs, name
        assert next(iter(inspect.signature(inspect.unwrap(theirs)).parameters)) == "self"


def test_a_new_process_would_import_the_script_of_the_host(monkeypatch):
    host = ModuleType("__main__")
    host.__file__ = "/home/of/host.py"
    monkeypatch.setitem(sys.modules, "__main__", host)

    def script() -> set[str]:
        data = spawn.get_preparation_data("worker")
        return {key for key in data if key.startswith("init_main")}

    assert script()
    with patches.no_main_module():
        assert not script()
