"""Variables of other stages: they have no value here, and say who has it."""

import pytest

import penstock as tf
from penstock._src.distribute.workers.pipeline.grid import Grid
from penstock._src.distribute.workers.pipeline.variables import StageVariable, hold


@pytest.fixture
def elsewhere():
    variable = tf.Variable([1.0, 2.0], name="far")
    hold([variable], 1, Grid(0, 2, 1), None)
    return variable


def test_reads_name_the_holder(elsewhere):
    reads = [
        lambda: elsewhere + 1.0,
        tf.function(lambda: elsewhere + 1.0),
        tf.function(lambda: elsewhere.assign_add([1.0, 1.0])),
    ]
    for read in reads:
        with pytest.raises(tf.errors.FailedPreconditionError, match="far:0 is held by rank 1"):
            read()


def test_assigned_values_are_dropped_if_they_fit(elsewhere):
    elsewhere.assign([3.0, 4.0])
    with pytest.raises(tf.errors.FailedPreconditionError):
        elsewhere.read_value()
    with pytest.raises(ValueError, match="Shape mismatch"):
        elsewhere.assign([3.0])


def test_variables_of_this_stage_are_as_before():
    variable = tf.Variable([1.0, 2.0])
    hold([variable], 0, Grid(0, 2, 1), None)
    variable.assign_add([1.0, 1.0])
    assert isinstance(variable, StageVariable) and isinstance(variable, tf.Variable)
    assert tf.function(lambda: variable * 2.0)().numpy().tolist() == [4.0, 6.0]
