"""What a process holds and waits for: variables by lines, compilations with causes, the share of datasets."""

import gc
import re
import time
import weakref

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.cli import main
from penstock._src.observe.usage import Usage
from penstock._src.util.run_observers import WORK_OBSERVERS

pytestmark = pytest.mark.usefixtures("new_objects_only")


def section(lines, name):
    """The line of a report that begins with a name, and those that belong to it."""
    first = next(i for i, line in enumerate(lines) if line.startswith(name))
    rest = [line for line in lines[first + 1 :]]
    count = next((i for i, line in enumerate(rest) if not line.startswith(" ")), len(rest))
    return lines[first], rest[:count]


def made_here():
    return tf.Variable(tf.zeros([1000, 250]))


def test_variables_by_the_line_that_made_them():
    usage = Usage()
    with usage.observing():
        kept = [made_here(), made_here()]
        _, lines = section(usage.report(), "variables")
        line = made_here.__code__.co_firstlineno + 1
        assert any(f"2 MB in 2: test_usage.py:{line} made_here" in each for each in lines), lines
        kept.clear()
        assert not any("made_here" in each for each in section(usage.report(), "variables")[1])
    assert usage not in WORK_OBSERVERS


def test_compilations_with_their_causes():
    @tf.function
    def scaled(x):
        return tf.nn.softmax(x @ tf.ones([300, 300])) * 2.0

    usage = Usage()
    with usage.observing():
        scaled(tf.ones([100, 300]))
        scaled(tf.ones([200, 300]))
        head, lines = section(usage.report(), "compiled")
    count, seconds = re.match(r"compiled +(\d+) programs in ([\d.]+) s", head).groups()
    assert int(count) >= 2 and float(seconds) > 0
    (line,) = [each for each in lines if "scaled (test_usage.py:" in each]
    assert "in 2: " in line and "traced 2 times" in line
    assert "parameter 'x': shape (100, 300) became (200, 300)" in line


def test_the_share_that_datasets_take():
    def element(n):
        time.sleep(0.02)
        return np.int64(n)

    dataset = tf.data.Dataset.range(5).map(lambda n: tf.numpy_function(element, [n], tf.int64))
    usage = Usage()
    with usage.observing():
        usage.report()
        list(dataset)
        before, _ = section(usage.report(), "data ")
        steps = list(usage.data.costs(waited=0.1))  # compilation may take most of the time that was
        time.sleep(0.05)
        after, _ = section(usage.report(), "data ")
    share, seconds, elements = re.match(
        r"data +waited for (\d+) % of the last ([\d.]+) s, (\d+) elements;", before
    ).groups()
    assert usage.waited_for >= 0.1 and int(elements) >= 5
    # The seconds are rounded to tenths, and the share to whole percents.
    least, most = (usage.waited_for / max(0.1, float(seconds) + error) for error in (0.05, -0.05))
    assert 100 * least - 1 <= int(share) <= 100 * most + 1
    line = test_the_share_that_datasets_take.__code__.co_firstlineno + 5
    assert f"s for 5 elements at test_usage.py:{line}: Map(" in steps[0]
    assert "num_parallel_calls would call its function in several threads" in steps[0]
    assert after.startswith("data      waited for 0 % of ") and ", 0 elements;" in after


def cached_here(array):
    return tf.data.Dataset.from_tensor_slices(array).map(lambda x: x * 2.0).cache()


def test_memory_of_datasets_by_the_line_that_defined_them():
    usage, kept = Usage(), []
    with usage.observing():
        for _ in range(3):
            kept.append(cached_here(np.ones([1000, 250], np.float32)))
            list(kept[-1])
        _, lines = section(usage.report(), "datasets")
        line = cached_here.__code__.co_firstlineno + 1
        (text,) = [each for each in lines if f"test_usage.py:{line} cached_here" in each]
        assert "6.08 MB in 6: " in text, lines  # the arrays, and the caches
        kept.clear()
        assert not any("cached_here" in each for each in section(usage.report(), "datasets")[1])


def test_a_report_beside_a_proxy_whose_object_is_no_more():
    dataset = tf.data.Dataset.range(3)
    proxy = weakref.proxy(dataset)
    del dataset
    gc.collect()
    usage = Usage()
    with usage.observing():
        assert usage.report()
    assert weakref.ProxyType is type(proxy)


def test_an_observed_iterator_is_saved_and_restored(tmp_path):
    dataset = tf.data.Dataset.range(20).shuffle(20, seed=3).map(lambda x: x * 2)
    expected = [int(x) for x in dataset]
    usage = Usage()
    with usage.observing():
        iterator = iter(tf.data.Dataset.range(20).shuffle(20, seed=3).map(lambda x: x * 2))
        first = [int(next(iterator)) for _ in range(7)]
        saved = tf.train.Checkpoint(iterator=iterator).save(str(tmp_path / "at"))
        next(iterator)
        tf.train.Checkpoint(iterator=iterator).restore(saved)
        assert first + [int(x) for x in iterator] == expected


def test_the_command_adds_reports_to_a_file(tmp_path, monkeypatch):
    (tmp_path / "program.py").write_text(
        "import tensorflow as tf\nv = tf.Variable(tf.ones([5000]))\n"
    )
    monkeypatch.chdir(tmp_path)
    assert main(["top", "--out", "report.txt", "program.py"]) == 0
    report = (tmp_path / "report.txt").read_text()
    assert report.startswith("--- at the end\nmemory ") and "program.py:2 <module>" in report
    assert main(["top", "--every", "0", "program.py"]) == 2


def test_the_command_adds_reports_to_logs(tmp_path, monkeypatch, capsys):
    (tmp_path / "program.py").write_text(
        "import tensorflow as tf\nv = tf.Variable(tf.ones([5000]))\n"
    )
    monkeypatch.chdir(tmp_path)
    assert main(["top", "--logdir", "logs", "program.py"]) == 0
    (path,) = (tmp_path / "logs").iterdir()
    values = [
        v for event in tf.compat.v1.train.summary_iterator(str(path)) for v in event.summary.value
    ]
    tags = {value.tag: tf.make_ndarray(value.tensor) for value in values}
    assert float(tags["penstock/variable_bytes"]) >= 20000
    assert float(tags["penstock/process_bytes"]) > 1e6 and float(tags["penstock/traces"]) == 0
    assert b"program.py:2 <module>" in tags["penstock/report"].item()


def test_a_program_that_is_missing_has_no_report(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["top", "nosuch.py"]) == 2
    assert capsys.readouterr().err == (
        f"penstock top: there is no file 'nosuch.py' in {tmp_path}.\n"
    )
