"""`penstock tune`: options, programs that end themselves, records."""

import pytest

from tests.bridge.cli.test_programs import python

PROGRAM = "import sys, tensorflow as tf\nprint(int(tf.constant(42)), *sys.argv[1:])\n"


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        ("--seconds 0 --out records program.py", "42"),
        ("program.py --seconds 0 --out records", "42"),
        ("--out records program.py a --seconds 0 --epochs 3 -- --out x", "42 a --epochs 3 --out x"),
    ],
)
def test_it_keeps_records_wherever_its_options_stand(tmp_path, arguments, printed):
    (tmp_path / "program.py").write_text(PROGRAM)
    status, out, err = python("-m", "penstock", "tune", *arguments.split(), cwd=tmp_path)
    assert (status, out) == (0, f"{printed}\nrecords: records of 0 products.\n"), err
    assert (tmp_path / "records").exists() and not (tmp_path / "x").exists()


@pytest.mark.parametrize(("code", "expected"), [("0", 0), ("3", 3)])
def test_a_program_that_exits(tmp_path, code, expected):
    (tmp_path / "program.py").write_text(f"{PROGRAM}sys.exit({code})\n")
    tune = "tune program.py --seconds 0 --out records".split()
    status, _, err = python("-m", "penstock", *tune, cwd=tmp_path)
    assert status == expected, err
    assert (tmp_path / "records").exists() == (expected == 0)


def test_without_a_program(tmp_path):
    tune = "tune --seconds 0 --out records".split()
    status, _, err = python("-m", "penstock", *tune, cwd=tmp_path)
    assert status == 2 and err.startswith("penstock tune: expected a script")
    assert not (tmp_path / "records").exists()
