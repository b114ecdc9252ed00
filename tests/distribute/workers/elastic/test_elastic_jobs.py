"""Jobs whose workers come and go while they train."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.processes import ROOT, lean

pytest.importorskip("grpc")
pytestmark = pytest.mark.timed
PROGRAM = Path(__file__).parent / "training.py"
LINE = re.compile(r"\[(\d+)\] ([\[{].*[\]}])$")


def launched(what, workers, *options, program=PROGRAM):
    """What each worker prints, by its number, and the launcher's lines."""
    command = [sys.executable, "-m", "penstock", "launch", "-n", str(workers), *options]
    done = subprocess.run(
        [*command, str(program), json.dumps(what)],
        cwd=ROOT, env=lean(), capture_output=True, text=True, timeout=180,
    )  # fmt: skip
    printed: dict[int, list] = {}
    for line in done.stdout.splitlines():
        told = LINE.match(line)
        if told:
            printed.setdefault(int(told[1]), []).append(json.loads(told[2]))
    return done, printed


def test_a_job_that_changes_trains_as_jobs_that_are_started_again(tmp_path):
    what = {"steps": 6, "folder": str(tmp_path), "varied": True}
    changing = {**what, "job": str(tmp_path / "job"), "resize": {2: 1, 4: 3}}
    done, printed = launched(changing, 2, "--elastic", "1:3", "--job", changing["job"])
    assert done.returncode == 0, done.stderr
    expected = []
    for workers, first, last in ((2, 0, 2), (1, 2, 4), (3, 4, 6)):
        part = {**what, "first": first, "last": last}
        again, told = launched(part, workers, "--elastic", f"{workers}:{workers}")
        assert again.returncode == 0, again.stderr
        *lines, weights = told[0]
        expected += lines
    assert printed[0] == [*expected, weights]
    assert [number for number, _, _ in printed[2]] == [5, 6], "a newcomer does not train before"
    assert printed[1] == expected[:2], "who leaves does not go on"


def test_a_job_goes_on_without_workers_that_are_killed_within_a_step(tmp_path):
    steps = {"steps": 6, "folder": str(tmp_path)}
    done, printed = launched({**steps, "kill": {2: 1, 4: 0}}, 3, "--elastic", "1:3")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("was killed by signal 9") == 2
    assert [workers for _, workers, _ in printed[2][:-1]] == [3, 2, 2, 1, 1, 1]
    for name in os.listdir(tmp_path):
        assert name.startswith(("killed", "checkpoint"))
    _, alone = launched({**steps, "kill": {}}, 1, "--elastic", "1:1")
    for (_, _, loss), (_, _, expected) in zip(printed[2][:-1], alone[0][:-1], strict=True):
        assert loss == pytest.approx(expected, rel=1e-5)


def test_a_loop_of_ones_own_takes_back_the_step_that_failed(tmp_path):
    what = {"steps": 5, "folder": str(tmp_path), "kill": {3: 2}}
    program = PROGRAM.with_name("loop.py")
    done, printed = launched(what, 3, "--elastic", "1:3", program=program)
    assert done.returncode == 0, done.stderr
    totals = [21, 57, 93, 129, 165]
    made = list(zip([1, 2, 3, 4, 5], [3, 3, 2, 2, 2], totals, strict=True))
    assert printed[0] == printed[1] == [*map(list, made), {"weight": 1 + 5 + sum(totals)}]


def test_too_few_workers_end_the_job(tmp_path):
    what = {"steps": 6, "folder": str(tmp_path), "kill": {2: 1}}
    done, _ = launched(what, 2, "--elastic", "2:3")
    assert done.returncode
    assert "1 workers are left, fewer than 2 (--elastic)" in done.stderr


def test_a_script_of_keras_is_followed_by_workers_that_come_in_later_fits_and_epochs(tmp_path):
    what = {"folder": str(tmp_path), "job": str(tmp_path / "job")}
    script = PROGRAM.with_name("script.py")
    changing = {**what, "resize": {3: 2, 7: 1, 10: 3}}
    done, told = launched(changing, 1, "--elastic", "1:3", "--job", what["job"], program=script)
    assert done.returncode == 0, done.stderr
    alone, expected = launched(what, 1, "--elastic", "1:1", program=script)
    assert alone.returncode == 0, alone.stderr
    steps = [one for one in told[0] if one["what"] == "step"]
    assert [one["workers"] for one in steps] == [1] * 3 + [2] * 4 + [1] * 3 + [3] * 2
    assert_close(told[0], expected[0], {"workers"})
    results = [one for one in told[0] if one["what"] != "step"]
    for newcomer in (2, 3):
        assert [one for one in told[newcomer] if one["what"] != "step"] == results
        assert [one["step"] for one in told[newcomer] if one["what"] == "step"] == [2, 3]


def assert_close(value, expected, without):
    """Compares structures of numbers within rounding."""
    if isinstance(value, dict):
        for key in value.keys() - without:
            assert_close(value[key], expected[key], without)
    elif isinstance(value, list):
        assert len(value) == len(expected)
        for one, other in zip(value, expected, strict=True):
            assert_close(one, other, without)
    else:
        assert value == (
            pytest.approx(expected, rel=1e-4, abs=1e-5) if isinstance(value, float) else expected
        )
