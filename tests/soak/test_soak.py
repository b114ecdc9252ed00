"""Short runs of the scenes: nothing grows that a hundred steps show. `make soak` runs them at full length."""

import subprocess
import sys

import pytest

from tests.harness.processes import lean
from tests.soak.__main__ import command
from tests.soak.scenes import SCENES


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
@pytest.mark.parametrize("name", SCENES)
def test_nothing_grows(name):
    run = command(name, SCENES[name].short)
    ended = subprocess.run(run, env=lean(), capture_output=True, text=True)
    assert not ended.returncode, ended.stdout + ended.stderr[-2000:]
