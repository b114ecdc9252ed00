"""compat.v1.logging: messages under a condition, or one of several."""

import pytest

import penstock as tf

v1 = tf.compat.v1


@pytest.fixture
def written(caplog):
    return lambda: [record.getMessage() for record in caplog.records]


def test_a_condition(written):
    v1.logging.log_if(v1.logging.ERROR, "%d is odd", 3 % 2 == 1, 3)
    v1.logging.log_if(v1.logging.ERROR, "%d is odd", 4 % 2 == 1, 4)
    assert written() == ["3 is odd"]


def test_the_first_of_every_three(written):
    for step in range(7):
        v1.logging.log_every_n(v1.logging.ERROR, "step %d", 3, step)
    assert written() == ["step 0", "step 3", "step 6"]


def test_the_first_two(written):
    for step in range(4):
        v1.logging.log_first_n(v1.logging.ERROR, "step %d", 2, step)
    assert written() == ["step 0", "step 1"]
