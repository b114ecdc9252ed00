"""The step counter outside of graphs, and the collections that functions see there."""

import pytest

import penstock as tf

v1 = tf.compat.v1


@pytest.fixture(autouse=True)
def default_graph():
    v1.reset_default_graph()
    yield
    v1.reset_default_graph()


def test_the_step_counter_is_an_eager_variable():
    step = v1.train.get_or_create_global_step()
    step.assign_add(2)
    assert step.numpy() == 2 and step.dtype == tf.int64
    assert v1.train.get_global_step() is step and v1.train.get_or_create_global_step() is step
    with pytest.raises(ValueError, match="already exists"):
        v1.train.create_global_step()


def test_a_function_finds_the_counter_around_it():
    step = v1.train.get_or_create_global_step()

    @tf.function
    def count():
        return v1.train.get_or_create_global_step().assign_add(1)

    assert count() == 1 and step.numpy() == 1


def test_collections_of_a_function_begin_as_those_around_it():
    v1.add_to_collection("given", 1)
    seen = []

    @tf.function
    def look():
        seen.extend(v1.get_collection("given"))
        v1.add_to_collection("given", 2)

    look()
    assert seen == [1] and v1.get_collection("given") == [1]
