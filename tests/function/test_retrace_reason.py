"""A retrace is explained by the parameter that changed, its old and its new value, and the remedy."""

import logging

import pytest

import penstock as tf
from penstock._src.util.flags import override


def reason(capsys, function, *calls):
    with override(debug=1):
        for args in calls:
            capsys.readouterr()
            function(*args)
    return capsys.readouterr().err.splitlines()[0]


@pytest.fixture
def scaled():
    return tf.function(lambda x, factor=1: x * factor)


X = tf.ones([2])
CASES = {
    "number": (
        ((X, 2), (X, 3)),
        "parameter 'factor': 2 became 3 (pass a number that changes as a tensor: tf.constant(3))",
    ),
    "shape": (
        ((X,), (tf.ones([3]),)),
        "parameter 'x': shape (2,) became (3,) (use reduce_retracing=True",
    ),
    "dtype": (
        ((X,), (tf.ones([2], tf.float64),)),
        "parameter 'x': dtype float32 became float64 (cast it",
    ),
    "kind": (((X, 2), (X, X)), "parameter 'factor': 2 became a tensor"),
}


@pytest.mark.parametrize("calls, text", CASES.values(), ids=CASES)
def test_the_reason_of_a_retrace_names_what_changed(calls, text, scaled, capsys):
    assert text in reason(capsys, scaled, *calls)


def test_the_warning_names_the_parameter(caplog):
    def total(x, n):
        return x + n

    function = tf.function(total)
    with caplog.at_level(logging.WARNING, "penstock"):
        for n in range(8):
            function(X, n)
    (record,) = caplog.records
    assert "total (File" in record.getMessage()
    assert "parameter 'n': 6 became 7" in record.getMessage()
