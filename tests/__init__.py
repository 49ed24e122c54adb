"""Where a behaviour is tested: TESTS, by file or room of `lab`. test_house.py checks both sides.

Tests go through the door: `lab.run`, `lab.sweep` and the tools in this process (`refusal` and the
fixtures `walk`, `swept` and `tool`), or the command line (`tests.command_line`: quick_lab forks
one, run_lab starts a fresh interpreter). What holds for every run is tested on `tests.walk`, whose
runs take milliseconds. What holds for every study is tested once, in `numbers`: each number of a
result, each key, and that a saved state goes on bit for bit. `tests.fake_runs` makes finished runs
without a training, `tests.engine.watching` is a study that looks at its own run, and
`tests.numbers.MARKS` is a data set whose classifier is trained in seconds.
"""

TESTS = {
    "by_hand": "by_hand numbers",
    "cli": "cli",
    "cli/check.py": "cli/test_exercise.py",
    "cli/in_process.py": "cli/test_api.py engine/test_surroundings.py",
    "cli/tools.py": "cli/test_tools.py cli/test_tool_mistakes.py",
    "config": "config cli/test_cli.py numbers/test_keys.py",
    "config/history.py": "old_runs engine/test_older_names.py engine/test_results.py",
    "config/trust.py": "config/test_trust.py cli/test_own_code.py",
    "engine": "engine numbers",
    "engine/checkpoints.py": "engine/test_checkpoints.py engine/test_faults.py engine/test_life.py",
    "engine/interrupts.py": "engine/test_signals.py",
    "engine/jobs.py": "engine/test_life.py engine/test_once_only.py",
    "engine/locks.py": "engine/test_locks.py engine/test_life.py",
    "engine/loop.py": "engine/test_loop.py engine/test_life.py",
    "engine/process.py": "cli/test_api.py engine/test_surroundings.py",
    "engine/run_folder.py": "engine/test_life.py engine/test_disks.py engine/test_locks.py",
    "figures": "engine/test_plots.py generation/test_generation_figures.py",
    "generation": "generation numbers/test_gan.py numbers/test_keys.py",
    "images": "images numbers/test_gan.py",
    "images/quality.py": "images/test_quality.py numbers/test_gan.py",
    "memory": "memory numbers/test_memory.py numbers/test_keys.py",
    "play": "play",
    "report": "report",
    "report/verdict.py": "report/test_verdicts.py report/test_intervals.py",
    "runs": "cli/test_runs.py cli/test_one_run.py sweeps/test_compare.py",
    "sweeps": "sweeps",
    "sweeps/search.py": "sweeps/test_search.py",
    "sweeps/workers.py": "sweeps/test_launchers.py",
}

# The files that take longest, first, so that no worker ends alone.
LONGEST = (
    *("report/test_page.py", "numbers/test_keys.py", "docs/test_first_lesson.py"),
    *("sweeps/test_launchers.py", "cli/test_exercise.py", "generation/test_gan_cli.py"),
    *("play/test_image_pages.py", "play/test_memory_page.py", "cli/test_api.py"),
    *("cli/test_presets.py", "report/test_reproduce.py", "sweeps/test_sweeps.py"),
    *("sweeps/test_search.py", "sweeps/test_sweep_faults.py", "report/test_verdicts.py"),
)
