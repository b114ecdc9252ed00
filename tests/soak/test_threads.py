"""Threads that use the same functions, models and sessions at once; `python -m tests.soak.threads` does so for minutes."""

import subprocess
import sys


def test_many_threads_use_the_same_objects():
    command = [sys.executable, "-m", "tests.soak.threads", "--seconds", "10"]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert not ended.returncode, ended.stdout + ended.stderr
