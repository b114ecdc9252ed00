"""Dataset.explain: the steps that run, their times, and the bottleneck."""

import time

import penstock as tf
from tests.harness.waiting import PATIENCE

Dataset = tf.data.Dataset


def test_the_slow_step_is_the_bottleneck():
    def slow(x):
        time.sleep(0.05)
        return x

    made = Dataset.range(20).map(lambda x: tf.numpy_function(slow, [x], tf.int64))
    mapped = made.map(lambda x: x + 1)
    mapped.explain(elements=2)  # which compiles
    report = mapped.explain(elements=10, seconds=PATIENCE)
    assert report.elements == 10
    assert report.bottleneck.name == "Map" and report.bottleneck.functions > 0.4
    assert report.bottleneck is report.steps[1]
    assert "num_parallel_calls" in str(report).splitlines()[-1]


def test_rows_and_vectorized_functions_are_told():
    report = Dataset.range(100).map(lambda x: x * 2).batch(10).explain(seconds=PATIENCE)
    how = {step.name: step.how for step in report.steps}
    assert "many elements at once" in how["Map"] and "gathered" in how["Range"]
    assert report.rewritten and report.elements == 10


def test_no_element_is_begun_after_the_time():
    def slow(x):
        time.sleep(0.05)
        return x

    made = Dataset.range(100).map(lambda x: tf.numpy_function(slow, [x], tf.int64))
    assert made.explain(seconds=0.2).elements < 10


def test_inputs_of_several_are_indented():
    made = Dataset.zip((Dataset.range(3), Dataset.range(3).map(lambda x: x)))
    lines = str(made.explain(seconds=PATIENCE)).splitlines()
    assert [line.split("(")[0] for line in lines[2:5]] == ["Zip", "  Range", "  Range"]
