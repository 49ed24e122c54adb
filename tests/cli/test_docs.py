"""Every command that README and the docs show can be given: its presets, keys and flags exist."""

import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from lab.cli import compose_jobs
from lab.cli.tools import TOOLS
from lab.cli.tools import _parser as parser
from lab.sweeps.records import sweep_dir
from tests.command_line import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINE = re.compile(r"^(?:python -m lab|lab) (?P<words>.+?)(?:\s{2,}#.*|\s+#\s.*)?$")
ELSEWHERE = ("--config-dir", "hydra/", "+experiment=search_", "-sc ", "--help", "/")


def commands() -> list[str]:
    """What follows `lab` in each shell block of the pages."""
    found = {}
    for page in PAGES:
        for block in re.findall(r"```bash\n(.*?)```", page.read_text(), re.DOTALL):
            for line in re.sub(r"\s*\\\n\s*", " ", block).splitlines():  # continued lines
                match = LINE.match(line)
                if match:
                    found[match["words"]] = page.name
    return list(found)


def is_tool(words: str) -> bool:
    first = words.split()[0]
    return first.isalpha() and "=" not in first


@pytest.mark.parametrize("words", [w for w in commands() if not is_tool(w)])
def test_a_training_command_composes(words: str):
    if any(part in words for part in ELSEWHERE):
        pytest.skip("needs another folder, a launcher, a sweeper or the shell")
    assert next(compose_jobs(words))


@pytest.mark.parametrize("words", [w for w in commands() if is_tool(w)])
def test_a_tools_command_has_arguments_that_exist(words: str):
    name, *arguments = shlex.split(words)
    parser(name, import_module(TOOLS[name].module)).parse_args(arguments)


def test_the_pages_link_to_files_that_exist():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text()):
            if "://" not in target:
                assert Path(page.parent, target).exists(), f"{page.name}: {target}"
        for target in re.findall(r"`(lab/[\w/]+\.py)`", page.read_text()):
            assert (ROOT / target).exists(), f"{page.name}: {target}"


def test_the_readme_names_the_folder_of_its_sweep():
    text = (ROOT / "README.md").read_text()
    assert "python -m lab -m 'seq_len=range(3,26)'" in text
    job = OmegaConf.create({"config_name": "config"})
    runtime = OmegaConf.create({"config_sources": []})
    overrides = OmegaConf.create({"task": ["seq_len=range(3,26)"], "hydra": []})
    folder = sweep_dir("outputs", job, runtime, overrides, OmegaConf.create({}))
    assert f"`{folder.rpartition('-')[0]}-<hash>/accuracy_vs_length.png`" in text


def test_the_readme_is_short_and_its_examples_are_quoted():
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 130
    for words in commands():
        assert shlex.split(words)
