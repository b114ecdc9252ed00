"""A test that hangs ends its process, which shows where it stands; others that follow a long one do not."""

import subprocess
import sys

from tests.harness.hooks import hangs
from tests.harness.processes import ROOT

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
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240)


def test_a_test_that_hangs_ends_its_process(tmp_path):
    done = ran(tmp_path, "pass", SLEEP % 200)
    assert done.returncode == 1 and "1 passed" not in done.stdout
    assert 'test_1.py", line 2 in test_it' in done.stderr


def test_tests_that_end_are_counted_one_by_one(monkeypatch):
    counted, clock = [], [0.0]
    monkeypatch.setattr(
        hangs.faulthandler, "dump_traceback_later", lambda seconds, **_: counted.append(clock[0])
    )
    monkeypatch.setattr(hangs.time, "monotonic", lambda: clock[0])
    watch = hangs.HangWatch()
    for clock[0] in (0.0, 0.5 * hangs.RENEWED, 1.5 * hangs.RENEWED, 2 * hangs.RENEWED):
        watch.pytest_runtest_setup()
    assert counted == [0.0, 1.5 * hangs.RENEWED]


def test_the_count_goes_on_after_a_failure(tmp_path):
    done = ran(tmp_path, "assert 0", SLEEP % 200)
    assert 'test_1.py", line 2 in test_it' in done.stderr
