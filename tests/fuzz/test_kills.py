"""Whoever is killed while saving has what was saved before. A fixed share of what `make kills` does."""

import os
import subprocess
import sys

import pytest

from tests.fuzz.kills.kinds import KINDS
from tests.harness.processes import lean

COUNT = int(os.environ.get("FUZZ_KILLS", "2"))


@pytest.mark.parametrize("kind", KINDS)
def test_the_last_whole_one_loads(kind):
    command = [sys.executable, "-m", "tests.fuzz.kills", "--count", str(COUNT), "--kinds", kind]
    ended = subprocess.run(command, env=lean(), capture_output=True, text=True)
    assert not ended.returncode, ended.stdout + ended.stderr[-2000:]
