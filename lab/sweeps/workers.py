"""How many runs this machine has room for."""

import os
from contextlib import suppress
from pathlib import Path

BYTES_PER_RUN = 0.9e9  # torch, its libraries and a small network


def workers(threads: int = 1) -> int:
    """Runs at a time: as many as there are physical cores, and memory is free for.

    Args:
        threads: of each run.
    """
    return max(1, min(cores() // threads, int(free_memory() // BYTES_PER_RUN)))


def cores() -> int:
    """The physical cores that this process may use."""
    try:
        allowed = os.sched_getaffinity(0)
    except AttributeError:  # not Linux
        return os.cpu_count() or 1
    siblings = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"
    try:
        count = len({Path(siblings.format(cpu)).read_text() for cpu in allowed})
    except OSError:
        count = len(allowed)
    with suppress(OSError, ValueError):  # of a container: microseconds in a period
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        count = min(count, int(quota) // int(period))
    return max(count, 1)


def free_memory() -> float:
    """The bytes that this process may still take; infinite where the system does not say."""
    free = float("inf")
    with suppress(OSError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                free = 1024.0 * int(line.split()[1])
    with suppress(OSError, ValueError):  # of a container
        most, used = (
            int(Path("/sys/fs/cgroup", name).read_text())
            for name in ("memory.max", "memory.current")
        )
        free = min(free, most - used)
    return free


def idle_cores() -> int:
    """The physical cores that nothing runs on, by the last minute; 0 where the system is silent."""
    busy = os.getloadavg()[0] if hasattr(os, "getloadavg") else cores()
    return max(0, cores() - round(busy))
