"""`penstock profile`: the lines that cost most."""

import re
import time

import pytest

import penstock as tf
from penstock._src.bridge.cli import main
from penstock._src.observe.costs import LineCosts
from penstock._src.observe.profiler import begin, end
from penstock._src.util.run_observers import RUN_OBSERVERS

PROGRAM = """
import time
import tensorflow as tf

def slow(x):
    time.sleep(0.5)  # longer than a busy machine takes for the product
    return x

@tf.function
def step(x):
    y = tf.matmul(x, x)
    return tf.numpy_function(slow, [y], tf.float32)

x = tf.ones([300, 300])
for _ in range(3):
    step(x)
    z = x * 2.0
"""


def line(text):
    return PROGRAM.splitlines().index(text) + 1


@pytest.mark.plain_kernels
def test_lines_with_their_costs_and_advice(tmp_path, monkeypatch):
    (tmp_path / "program.py").write_text(PROGRAM)
    monkeypatch.chdir(tmp_path)
    assert main(["profile", "--out", "report.txt", "program.py"]) == 0
    report = (tmp_path / "report.txt").read_text()
    host = line("    return tf.numpy_function(slow, [y], tf.float32)")
    first = report.splitlines()[1]
    assert f"program.py:{host} return tf.numpy_function" in first and float(first.split()[0]) > 1.5
    product = line("    y = tf.matmul(x, x)")
    found = re.search(rf"program.py:{product} y = tf.matmul.*\n(.*)", report)
    assert re.search(r"MatMul, 3 times, .* of the peak, .* bandwidth: ", found[1])
    assert f"program.py:{line('    z = x * 2.0')} z = x * 2.0" in report
    assert "it calls Python in the step" in report and "it runs eagerly" in report
    assert not RUN_OBSERVERS
    assert main(["profile", "--lines", "0", "program.py"]) == 2


def test_what_an_operation_runs_is_counted_once():
    def outer(x):
        y = tf.exp(x)
        time.sleep(0.02)
        return y

    call = tf.function(lambda x: tf.py_function(outer, [x], tf.float32))
    x = tf.ones([2000, 2000])
    call(x)
    costs = LineCosts()
    begin(costs)
    call(x)
    end(costs)
    seconds = {cost.what: cost.seconds for cost in costs.costs.values()}
    assert seconds["EagerPyFunc"] >= 0.02 and seconds["Exp"] > 0
    assert sum(seconds.values()) <= costs.in_functions


def test_a_program_that_is_missing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["profile", "nosuch.py"]) == 2
    assert capsys.readouterr().err.startswith("penstock profile: there is no file 'nosuch.py'")
