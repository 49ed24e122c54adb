"""`lab NAME …`: the tools that list, show, note and remove runs, and what they say to a mistake."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.cli.door import BARE_WORD
from lab.cli.tools import TOOLS, run_tool
from lab.engine.finding import find_run, find_runs
from tests.command_line import ENDLESS, command, environment, quick_lab, start_lab, wait_until
from tests.fake_runs import fake_run
from tests.run_files import snapshot

Answer = tuple[int, str, str]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with runs that were never trained. Copy it, do not change it."""
    cwd = tmp_path_factory.mktemp("made")
    out = cwd / "outputs"
    for seed in (0, 1):
        run = fake_run(out, f"seed={seed}", "seq_len=20", accuracy=0.5 + seed / 2)
        run.save_provenance({"start": f"2026-01-01T00:00:0{seed}+00:00", "device": "cpu"})
    run = fake_run(out / "deep" / "er", "task=gan", "seed=2", fid=8.5)
    run.save_provenance({"start": "2026-01-02T00:00:00+00:00", "command": "python -m lab task=gan"})
    sweep = out / "sweeps" / "a-sweep-12345678"
    (sweep / "jobs").mkdir(parents=True)
    return cwd


@pytest.fixture
def cwd(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, as the current folder."""
    folder = Path(shutil.copytree(made, tmp_path / "cwd"))
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def tool(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Answer]:
    """Start a tool in this process: gives the exit code and what it printed."""
    monkeypatch.setattr(sys, "path", sys.path.copy())  # a tool hides the current folder

    def start(name: str, *words: str) -> Answer:
        code = run_tool(name, words)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return start


def names(out: str) -> list[str]:
    return [line.split()[0].rpartition("-")[0] for line in out.splitlines()[1:]]


@pytest.mark.parametrize("word", ["runs", "frobnicate", "lstm", "a.b", "12x4"])
def test_a_bare_word_names_a_tool(word: str):
    assert BARE_WORD.fullmatch(word)


@pytest.mark.parametrize(
    "word", ["a=b", "-m", "--help", "+experiment=best", "~cell", "x.y=1", "+a", "@x"]
)
def test_anything_else_is_hydras(word: str):
    assert not BARE_WORD.fullmatch(word)


def test_runs_lists_every_run_at_any_depth_as_they_began(cwd: Path, tool: Callable[..., Answer]):
    code, out, err = tool("runs")
    assert (code, err) == (0, "")
    assert out.split("\n")[0].split() == [
        "name", "task", "status", "steps", "val_accuracy", "fid", "recall", "classes", "age",
    ]  # fmt: skip
    assert names(out) == ["lstm-T20-s0", "lstm-T20-s1", "gan-mnist-s2"]
    assert tool("runs", "outputs/deep")[1].count("\n") == 2


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["task=lstm"], ["lstm-T20-s0", "lstm-T20-s1"]),
        (["task=lstm", "val_accuracy<1"], ["lstm-T20-s0"]),
        (["cell=lstm", "seed>=1"], ["lstm-T20-s1"]),
        (["cell!=lstm"], ["gan-mnist-s2"]),
        (["generator=conv"], ["gan-mnist-s2"]),
        (["optimizer.lr=1e-2"], ["lstm-T20-s0", "lstm-T20-s1"]),
        (["--sort", "val_accuracy", "--reverse"], ["lstm-T20-s1", "lstm-T20-s0", "gan-mnist-s2"]),
        (["status=finished", "fid<=8.5"], ["gan-mnist-s2"]),
        (["quality.precision>0.7"], ["gan-mnist-s2"]),
        (["lr=1e-2", "seed=1"], ["lstm-T20-s1"]),
        (["--sort", "fid"], ["gan-mnist-s2", "lstm-T20-s0", "lstm-T20-s1"]),
    ],
)
def test_runs_filters_and_sorts(
    cwd: Path, tool: Callable[..., Answer], words: list[str], expected: list[str]
):
    assert names(tool("runs", *words)[1]) == expected


def test_runs_as_json_holds_settings_and_results(cwd: Path, tool: Callable[..., Answer]):
    (row,) = json.loads(tool("runs", "task=gan", "--json")[1])
    assert row["quality.fid"] == 8.5
    assert (row["epochs"], row["result.epochs"]) == (200, 200.0)
    assert (row["precision"], row["quality.precision"]) == ("fp32", 0.8)
    assert row["run"].startswith("outputs/deep/er/runs/gan-mnist-s2-")


def test_a_run_is_found_by_folder_name_hash_and_as_the_last(cwd: Path):
    first, second, last = (run.path for run in find_runs())
    for word in (
        "last",
        str(last),
        last.name,
        last.name.rpartition("-")[0],
        last.name[-8:],
        last.name[-8:-3].upper(),
    ):
        assert find_run(word).path == last, word
    assert find_run(first.name).path == first
    assert find_run(str(second.absolute())).path == second.absolute()


def test_show_says_what_is_known(cwd: Path, tool: Callable[..., Answer]):
    tool("note", "last", "strange  losses")
    code, out, _ = tool("show", "last")
    assert code == 0
    lines = [line.split() for line in out.splitlines()]
    assert ["quality.fid", "8.5"] in lines
    assert ["ema", "0.999"] in lines
    assert ["command", "python", "-m", "lab", "task=gan"] in lines
    assert lines[-2:] == [["notes"], ["strange", "losses"]]


def test_a_note_outlives_the_same_run_started_anew(cwd: Path, tool: Callable[..., Answer]):
    tool("note", "last", "one")
    assert tool("note", "last", "two")[1].split() == [str(find_run("last").path), "one", "two"]
    folder = find_run("last")
    folder.clear()
    assert folder.notes() == ["one", "two"]


def test_rm_asks_and_takes_everything_away(cwd: Path, tool: Callable[..., Answer]):
    run = find_run("last").path
    (run / "figures").mkdir()
    code, out, err = tool("rm", "last")
    assert (code, out) == (1, "")
    assert "--yes removes without asking" in err
    assert run.is_dir()
    assert tool("rm", "last", "--yes")[:2] == (0, f"removed {run}\n")
    assert not run.exists()
    assert len(find_runs()) == 2


def test_rm_refuses_a_run_that_is_held(tmp_path: Path):
    started = start_lab(*ENDLESS, cwd=tmp_path)
    try:
        wait_until(lambda: list(tmp_path.glob("outputs/runs/*/status")))
        done = quick_lab("rm", "last", "--yes", cwd=tmp_path)
        assert (done.returncode, done.stdout) == (1, "")
        assert "is being run by another process: nothing is removed" in done.stderr
        (run,) = tmp_path.glob("outputs/runs/*")
        assert run.is_dir()
        # While it is being written it is listed, with what it has logged.
        listed = quick_lab("runs", cwd=tmp_path)
        assert (listed.returncode, listed.stderr) == (0, "")
        assert "running" in listed.stdout
        assert quick_lab("show", "last", cwd=tmp_path).returncode == 0
        predicted = quick_lab("predict", "last", "121", cwd=tmp_path)
        assert predicted.returncode == 1
        assert "running, not finished" in predicted.stderr
    finally:
        started.kill()


BAD = {
    ("frobnicate",): "frobnicate is not a tool; there are runs, show",
    ("shwo",): "did you mean show?",
    ("runs", "nowhere"): "nowhere: no such folder, and no filter such as task=lstm",
    ("runs", "--out-dir", "nowhere"): "nowhere: no such folder",
    ("runs", "seqlen=20"): "no run has a key seqlen; did you mean seq_len?",
    ("runs", "--sort", "acuracy"): "no run has a key acuracy",
    ("runs", "--typo"): "unrecognized arguments: --typo (lab runs --help lists the arguments)",
    ("show",): "the following arguments are required: RUN",
    ("show", "lstm-T20-s3"): "no such run below outputs; did you mean lstm-T20-s",
    ("show", "zzz"): "zzz: no such run below outputs; there are 3, which lab runs lists",
    ("show", "nowhere/run"): "nowhere/run: no such folder",
    ("show", "outputs"): "3 runs lie below it: lab runs outputs lists them",
    ("show", "outputs/sweeps/a-sweep-12345678"): "it is a sweep's: lab summary outputs/sweeps/",
    ("predict", "last", "12x4"): "12x4: expected at least 3 digits, and nothing else",
    ("predict", "last", "121"): "a run of task=gan, not of the memory study",
    ("predict", "lstm-T20-s0", "121"): "model.safetensors: no such file",
    ("flow", "last", "--seq-len", "2"): "argument --seq-len: expected a whole number of at least 3",
    ("flow", "last", "last"): "the same run is given twice",
    ("sample", "lstm-T20-s0"): "a run of task=lstm, not of the generation study",
    ("rm", "outputs", "--yes"): "not a run's folder",
    ("note", "last", " "): "an empty note is none",
    ("summary", "outputs"): "no sweep's folder",
    ("compare", "last"): "two or more runs are compared",
    ("report", "nowhere"): "nowhere: no such folder",
}


@pytest.mark.parametrize("words", BAD, ids=" ".join)
def test_a_mistake_is_one_clear_line_and_writes_nothing(
    cwd: Path, tool: Callable[..., Answer], words: tuple[str, ...]
):
    before = snapshot(cwd)
    code, out, err = tool(*words)
    assert (code, out) == (1, "")
    assert err.startswith("lab: ")
    assert err.count("\n") == 1, err
    assert BAD[words] in err
    assert snapshot(cwd) == before


def test_a_hash_that_several_runs_share_is_answered_with_their_names(
    cwd: Path, tool: Callable[..., Answer]
):
    first, second = (run.path for run in find_runs()[:2])
    first.rename(first.with_name("lstm-T20-s0-abc11111"))
    second.rename(second.with_name("lstm-T20-s1-abc22222"))
    code, out, err = tool("show", "abc")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "abc may be any of 2 runs: " in err
    assert "lstm-T20-s0-abc11111" in err
    assert "lstm-T20-s1-abc22222" in err


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda run: (run / "config.yaml").unlink(), "config.yaml"),
        (lambda run: (run / "config.yaml").write_text("task: ["), "is damaged"),
        (lambda run: (run / "config.yaml").write_bytes(b"\xff\xfe"), "config.yaml"),
        (lambda run: (run / "config.yaml").write_text("seed: 3\n"), "_target_"),
        (lambda run: add_key(run / "config.yaml"), "no key of_another_version"),
        (lambda run: (run / "result.json").write_text("{"), None),
        (lambda run: (run / "metrics.csv").write_text("step,val"), None),
    ],
    ids=["no config", "half a config", "not text", "no target", "other version", "half", "metrics"],
)
def test_a_damaged_or_foreign_run_is_still_listed_and_named(
    cwd: Path, tool: Callable[..., Answer], damage: Callable[[Path], object], message: str | None
):
    run = find_run("last").path
    damage(run)
    code, out, err = tool("runs")
    assert code == 0
    assert run.name in out
    assert len(out.splitlines()) == 4
    assert tool("show", run.name)[0] == 0
    if message is None:
        assert err == ""
        return
    assert err.startswith(f"lab: {run.relative_to(cwd) if run.is_absolute() else run}")
    assert err.count("\n") == 1
    assert message in err
    code, out, err = tool("sample", run.name)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert message in err


def add_key(path: Path) -> None:
    path.write_text(path.read_text() + "of_another_version: 1\n")


def test_weights_that_are_a_pointer_are_named_with_the_remedy(
    cwd: Path, tool: Callable[..., Answer]
):
    run = find_run("lstm-T20-s0").path
    (run / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\n")
    code, _, err = tool("predict", "lstm-T20-s0", "121")
    assert (code, err.count("\n")) == (1, 1)
    assert "model.safetensors holds no weights: git lfs pull" in err
    (run / "model.safetensors").write_bytes(b"\x00" * 20)
    assert "holds no weights: copy it again" in tool("predict", "lstm-T20-s0", "121")[2]


def test_a_run_of_somebody_elses_calls_nothing_unless_trusted(
    cwd: Path, tool: Callable[..., Answer]
):
    folder = find_run("lstm-T20-s0")
    text = folder.config_file.read_text()
    (cwd / "their_cells.py").write_text("open('called', 'w')\n")
    folder.config_file.write_text(text.replace("lab.memory.cells.LSTM", "their_cells.Cell"))
    from safetensors.torch import save_file

    save_file({}, folder.model_file)
    code, _, err = tool("predict", "lstm-T20-s0", "121")
    assert (code, err.count("\n")) == (1, 1)
    assert "--trust" in err
    assert not (cwd / "called").exists()
    tool("predict", "lstm-T20-s0", "121", "--trust-package", "their_cells")
    assert (cwd / "called").exists()


def test_a_reader_that_has_seen_enough_is_no_error(made: Path):
    line = f"{sys.executable} -m lab runs | head -1; exit ${{PIPESTATUS[0]}}"
    words = ["bash", "-c", line]
    done = subprocess.run(words, cwd=made, env=environment(), capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", TOOLS)
def test_every_tool_explains_itself(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit) as stop:
        run_tool(name, ["--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert TOOLS[name].summary in text
    assert f"example: lab {name}" in text


def test_neither_a_tools_help_nor_the_list_of_runs_imports_torch(made: Path):
    code = (
        "import sys; sys.argv = ['lab', *sys.argv[1:]]\n"
        "from lab.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "assert not {'torch', 'matplotlib', 'pandas'} & set(sys.modules)"
    )
    for words in (["runs"], ["show", "last"], ["predict", "--help"], ["predict", "x", "121"]):
        line = [command()[0], "-c", code, *words]
        done = subprocess.run(line, cwd=made, env=environment(), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_help_lists_every_tool(tmp_path: Path):
    done = quick_lab("--help", cwd=tmp_path)
    for name, tool in TOOLS.items():
        assert [name, *tool.summary.split()] in [line.split() for line in done.stdout.splitlines()]
