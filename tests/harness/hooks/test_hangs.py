"""A test that hangs ends its process, which shows where it stands; others that follow a long one do not."""

import subprocess
import sys

import pytest

from tests.harness.processes import ROOT

pytestmark = pytest.mark.timed

HOOKS = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from tests.harness.hooks import hangs
hangs.LIMIT, hangs.RENEWED = 1.0, 0.5
def pytest_configure(config):
    config.pluginmanager.register(hangs.HangWatch())
"""
SLEEP = "import time; time.sleep(%s)"


def ran(folder, *bodies):
    """A run of tests with these bodies."""
    (folder / "conftest.py").write_text(HOOKS)
    (folder / "pytest.ini").write_text("[pytest]")
    for number, body in enumerate(bodies):
        (folder / f"test_{number}.py").write_text(f"def test_it():\n    {body}\n")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--import-mode=importlib",
    ]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)


def test_a_test_that_hangs_ends_its_process(tmp_path):
    done = ran(tmp_path, "pass", SLEEP % 50)
    assert done.returncode == 1 and "1 passed" not in done.stdout
    assert 'test_1.py", line 2 in test_it' in done.stderr


def test_tests_that_end_are_counted_one_by_one(tmp_path):
    done = ran(tmp_path, *3 * [SLEEP % 0.7])
    assert done.returncode == 0 and "3 passed" in done.stdout, done.stderr


def test_the_count_goes_on_after_a_failure(tmp_path):
    done = ran(tmp_path, "assert 0", SLEEP % 50)
    assert 'test_1.py", line 2 in test_it' in done.stderr
