"""The processor this runs on: its name, and how many cores of it this process may use."""

from __future__ import annotations

import os
import platform
from pathlib import Path

_CPUS = Path("/sys/devices/system/cpu")
_CPU_INFO = Path("/proc/cpuinfo")
# A container's share of the processors as control groups, version 2, tell it: "200000 100000" are two of them.
_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def processor_name() -> str:
    """The processor's model and what it can compute with, as one line; two machines with the same line are alike."""
    try:
        lines = _CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    pairs = (line.partition(":") for line in lines)
    names = {name.strip(): value.strip() for name, _, value in pairs}
    wide = sorted(flag for flag in names.get("flags", "").split() if flag.startswith(("avx", "amx", "fma")))
    return " ".join([names.get("model name", platform.machine()), *wide])


def usable_cores() -> int:
    """The processors this process may use; a container often may use fewer than the machine has."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = _QUOTA.read_text(encoding="ascii").split()
        return max(1, min(allowed, round(int(quota) / int(period))))
    except (OSError, ValueError):
        # No such file, or "max": no quota.
        return allowed


def physical_cores() -> int:
    """The same without the second half of cores that pretend to be two."""
    siblings = {
        path.read_text(encoding="ascii").strip() for path in _CPUS.glob("cpu[0-9]*/topology/thread_siblings_list")
    }
    return min(usable_cores(), len(siblings) or usable_cores())
