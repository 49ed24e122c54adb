"""The rooms of `lab`: few, small, and none that leans on one that leans on it."""

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

from tests import LONGEST, TESTS
from tests.command_line import ROOT

LAB = ROOT / "lab"
STUDIES = {"memory", "generation", "by_hand"}


def imports() -> dict[str, set[str]]:
    """The rooms that each room imports, within functions too."""
    found: dict[str, set[str]] = {}
    for path in LAB.glob("*/**/*.py"):
        room = path.relative_to(LAB).parts[0]
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                first, *others = node.module.split(".")
                if first == "lab" and others:
                    found.setdefault(room, set()).add(others[0])
    return {room: others - {room} for room, others in found.items()}


def test_no_room_imports_another_in_a_circle_and_no_study_another():
    rooms = imports()
    assert list(TopologicalSorter(rooms).static_order())  # raises CycleError
    for study in STUDIES:
        assert not rooms[study] & STUDIES, study
    assert not rooms["engine"] & (STUDIES | {"images"}), "the engine knows no study"
    assert rooms["config"] == set()


def test_the_house_is_drawn_from_its_folders():
    entries = [path for path in LAB.iterdir() if path.name not in ("__pycache__", "conf")]
    assert len(entries) <= 15
    long = [path for path in LAB.rglob("*.py") if len(path.read_text().splitlines()) > 450]
    assert not long


def test_the_size_of_mnist_stands_with_the_data_sets_alone():
    allowed = {LAB / "images" / name for name in ("published.py", "folder.py")}
    for path in set(LAB.rglob("*.py")) - allowed:
        text = re.sub(r"TITLE = 28|0\.28", "", path.read_text())  # dots, and a share of a figure
        assert not re.search(r"\b(28|784)\b", text), path.relative_to(ROOT)


def test_every_module_is_within_a_room_but_the_patches():
    assert {path.name for path in Path(LAB).glob("*.py")} == {
        "__init__.py", "__main__.py", "patches.py",
    }  # fmt: skip


def test_the_table_of_tests_names_rooms_and_tests_that_there_are():
    for of_lab, tests in TESTS.items():
        assert (LAB / of_lab).exists(), of_lab
        for path in tests.split():
            assert (ROOT / "tests" / path).exists(), path
    assert {path.name for path in LAB.iterdir() if path.is_dir()} - TESTS.keys() <= {
        "__pycache__", "conf",
    }  # fmt: skip
    assert all((ROOT / "tests" / path).exists() for path in LONGEST)
