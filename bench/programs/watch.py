"""Watches a database beside a tree of processes: `python -m bench.programs.watch URL SECONDS`.

Prints, as JSON, the looks that were taken and the CPU seconds of this process while it watched.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from pytest_visionforge import plan
from pytest_visionforge.cutover.watch import Watch

BESIDE = (
    "import subprocess, sys, time; [subprocess.Popen(['sleep', '3600']) for _ in range(5)]; time.sleep(3600)"
)


def main(url: str, seconds: str) -> None:
    """Watches, and says what it took; what it needs once to begin is not counted."""
    beside = subprocess.Popen([sys.executable, "-c", BESIDE], start_new_session=True)
    try:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "visionforge.toml"
            path.write_text(f'plan = "bench"\n[database]\nurl = {json.dumps(url)}\n')
            looks = Path(folder) / "watch.jsonl"
            with Watch(plan.read(path), looks, lambda name, says: None) as watch:
                watch.process = beside.pid
                time.sleep(3)
                before, begin = time.process_time(), time.monotonic()
                time.sleep(float(seconds))
                used, wall = time.process_time() - before, time.monotonic() - begin
            taken = len(looks.read_text("utf-8").splitlines())
            print(json.dumps({"looks": taken, "used": used, "wall": wall}))
    finally:
        os.killpg(beside.pid, signal.SIGKILL)
        beside.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
