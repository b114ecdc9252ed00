"""Some tests as users' programs run: native code makes eager calls from the third on, and nothing is verified (`make test-native` runs more)."""

import os
import re
import subprocess
import sys

import pytest

from penstock._src.util.process.layouts import FREE_THREADED
from tests.harness.processes import ROOT

TESTS = ["tests/api/array", "tests/api/nn", "tests/api/math", "tests/eager/test_variables.py"]


@pytest.mark.skipif(FREE_THREADED, reason="calls are served by one thread at a time")
def test_tests_pass_where_eager_calls_are_native():
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.harness.hooks.native_calls"]  # fmt: skip
    environment = {**os.environ, "PENSTOCK_VERIFY": "0"}
    done = subprocess.run(
        [*command, *TESTS], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    served = re.search(r"calls of (\d+) ops and (\d+) functions", done.stdout)
    assert served and int(served[1]) > 60 and int(served[2]) > 12, done.stdout
