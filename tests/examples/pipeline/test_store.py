"""What a step makes counts when it is whole, and only then; by whom and how often it was begun does not matter."""

import signal
import subprocess
import sys

import pytest

from tests.examples.pipeline.flights import FOLDER

STEP = """
import os, signal, sys
from pathlib import Path
import store, steps
root, kill = Path(sys.argv[1]), sys.argv[2]
if kill != "never":
    os_rename, os_fsync = Path.rename, os.fsync
    def die(*arguments):
        os.kill(os.getpid(), signal.SIGKILL)
    if kill == "rename": Path.rename = die
    if kill == "sync": os.fsync = die
    if kill == "step": steps.write = die
store.execute(root, store.Task("write", steps.make, {}, {"text": "some"}))
"""
STEPS = """
def make(output, text):
    (output / "first").write_text(text)
    write(output / "second", text)

def write(path, text):
    path.write_text(text)
"""


def run(folder, kill):
    (folder / "program.py").write_text(STEP)
    (folder / "steps.py").write_text(STEPS)
    return subprocess.run(
        [sys.executable, folder / "program.py", folder / "root", kill],
        env={"PYTHONPATH": str(FOLDER), "PYTHONDONTWRITEBYTECODE": "1"},
    ).returncode


@pytest.mark.parametrize("moment", ["step", "sync", "rename"])
def test_a_killed_step_leaves_nothing_that_counts(example, tmp_path, moment):
    assert run(tmp_path, moment) == -signal.SIGKILL
    assert not list(tmp_path.glob("root/artifacts/*/*"))
    example.store.clean(tmp_path / "root")
    assert not list(tmp_path.glob("root/unfinished/*"))
    assert run(tmp_path, "never") == 0
    (made,) = tmp_path.glob("root/artifacts/write/*")
    names = {path.name: path.read_text() for path in made.iterdir()}
    assert names.pop("record.json") and names == {"first": "some", "second": "some"}


def test_the_first_of_two_workers_wins(example, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        folder.mkdir()
        (folder / "file").write_text(folder.name)
        example.store.commit(folder, tmp_path / "final")
    assert (tmp_path / "final" / "file").read_text() == "one" and not two.exists()


def test_the_key_follows_code_but_not_its_comments(example, tmp_path):
    digest = example.store.digest_of_code.__wrapped__
    helper, step = tmp_path / "helper.py", tmp_path / "step.py"
    helper.write_text("x = 1\n")
    step.write_text("import helper\nimport numpy\n")
    first = digest(str(step))
    helper.write_text("# said\nx  =  1\n")
    assert digest(str(step)) == first
    helper.write_text("x = 2\n")
    assert digest(str(step)) != first


def test_statistics_of_files_add_up_to_those_of_the_table(example, tmp_path, data):
    import pandas as pd

    describe = example.describe
    parts = [pd.read_csv(path) for path in sorted(data.glob("*.csv"))]
    whole = pd.concat(parts, ignore_index=True)
    for name in whole:
        one = describe.add([{name: describe.of_column(name, part[name])} for part in parts])[name]
        other = describe.of_column(name, whole[name])
        assert one["rows"] == other["rows"] and one["missing"] == other["missing"]
        assert one.get("values") == other.get("values")
        assert describe.difference(one, other) < 2 / 64  # of 65 quantiles
        if "sum" in one:
            assert describe.limits(one) == describe.limits(other)
            mean, variance = describe.mean_and_variance(one)
            assert mean == pytest.approx(whole[name].mean())
            assert variance == pytest.approx(whole[name].var(ddof=0))


def test_the_difference_of_distributions(example):
    import pandas as pd

    def difference(name, one, other):
        columns = [example.describe.of_column(name, pd.Series(values)) for values in (one, other)]
        return example.describe.difference(*columns)

    assert difference("temp", range(100), range(100)) == 0.0
    assert difference("temp", range(100), range(50, 150)) == pytest.approx(0.5, abs=0.02)
    assert difference("temp", [1.0] * 10, [2.0] * 10) == 1.0
    assert difference("carrier", ["a", "b"], ["a", "a"]) == 0.5
