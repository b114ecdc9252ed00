"""The type stubs of the public tree, which git does not hold."""

import fcntl
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def make_stubs() -> None:
    """Makes them unless they were made of the sources as they are; one process at a time."""
    lock = ROOT / "build" / "stubs.lock"
    lock.parent.mkdir(exist_ok=True)
    with open(lock, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        command = [sys.executable, "tools/gen_stubs.py", "--if-changed"]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
