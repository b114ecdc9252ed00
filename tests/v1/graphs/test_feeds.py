"""Types of users that sessions fetch and feed."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.v1.graphs import feeds

v1 = tf.compat.v1


class Squared:
    def __init__(self, tensor):
        self.tensor = tensor


class Pair:
    def __init__(self, first, second):
        self.parts = [first, second]


@pytest.fixture(autouse=True)
def registered():
    before = list(feeds._TYPES)
    feeds.register_session_run_conversion_functions(
        Squared,
        lambda value: ([value.tensor], lambda parts: np.sqrt(parts[0])),
        lambda key, value: [(key.tensor, value * value)],
        lambda key: [key.tensor],
    )
    feeds.register_session_run_conversion_functions(Pair, lambda value: (value.parts, tuple))
    yield
    feeds._TYPES[:] = before


def test_objects_are_fetched_and_fed_as_their_functions_say():
    with tf.Graph().as_default(), v1.Session() as session:
        x, y = v1.placeholder(tf.float32, []), v1.placeholder(tf.float32, [])
        squared, pair = Squared(x), Pair(x, y + 1)
        assert session.run(squared, {squared: 3.0}) == 3
        assert session.run([squared, {"a": pair}], {x: 4.0, y: 1.0}) == [2, {"a": (4, 2)}]
        handle = session.partial_run_setup([pair], [squared, y])
        assert session.partial_run(handle, pair, {squared: 2.0, y: 5.0}) == (4, 6)


def test_a_class_is_registered_once_and_its_subclasses_by_themselves():
    with pytest.raises(ValueError, match="has already been registered"):
        feeds.register_session_run_conversion_functions(Squared, lambda value: value)

    class Labeled(Pair):
        pass

    feeds.register_session_run_conversion_functions(
        Labeled, lambda value: (value.parts, lambda parts: "labeled")
    )
    with tf.Graph().as_default(), v1.Session() as session:
        assert session.run(Labeled(tf.constant(1), tf.constant(2))) == "labeled"


def test_what_may_not_be_fed_or_fetched():
    with tf.Graph().as_default() as graph, v1.Session() as session:
        x, y = tf.constant(1.0), tf.constant(2.0)
        assert graph.is_feedable(x) and graph.is_fetchable(y)
        graph.prevent_feeding(x)
        graph.prevent_fetching(y.op)
        assert not graph.is_feedable(x) and not graph.is_fetchable(y)
        with pytest.raises(ValueError, match="may not be fed"):
            session.run(x + y, {x: 3.0})
        with pytest.raises(ValueError, match="has been marked as not fetchable"):
            session.run(y)
        assert session.run(x + y) == 3.0


def test_slices_whose_indices_are_a_matrix_are_fetched_and_fed():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        slices = tf.IndexedSlices(tf.constant([1.0, 2.0]), tf.constant([[3, 2], [4, 5]]))
        found = session.run(slices)
        assert found.values.tolist() == [1.0, 2.0] and found.indices.tolist() == [[3, 2], [4, 5]]
        fed = session.run(slices, {slices: ([7.0, 8.0], [[0, 1], [2, 3]])})
        assert fed.values.tolist() == [7.0, 8.0] and fed.indices.tolist() == [[0, 1], [2, 3]]


def test_feeds_are_a_dict():
    with tf.Graph().as_default(), v1.Session() as session:
        with pytest.raises(TypeError, match="must be a dict"):
            session.run(tf.constant(1), feed_dict=[1])


@pytest.fixture
def reference():
    """A session, an input, a variable that stands for a reference, and a product of both."""
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [], "x")
        variable = v1.get_variable("w", initializer=2.0, use_resource=False)
        product = tf.multiply(x, variable, name="y")
        session.run(v1.global_variables_initializer())
        yield session, x, variable, product


def test_what_reads_a_fed_reference_variable_reads_the_fed_value(reference):
    session, x, variable, product = reference
    chosen = tf.cond(x > 0, lambda: variable * x, lambda: x)
    feeds_of_variable = {x: 3.0, variable: 5.0}
    assert session.run([product, chosen, variable], feeds_of_variable) == [15, 15, 5]
    assert session.run(product, {x: 3.0, "w:0": 7.0}) == 21
    assert session.run([variable, product], {x: 3.0}) == [2, 6]
    with pytest.raises(ValueError, match=r"shape \(1,\) for Tensor w:0, which has shape \(\)"):
        session.run(product, {x: 3.0, variable: [1.0]})


def test_fed_reference_variables_are_not_updated(reference):
    session, _, variable, _ = reference
    update = v1.assign_add(variable, 1.0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Variable w is fed"):
        session.run(update, {variable: 5.0})
    assert session.run(variable) == 2


def test_the_tensor_of_a_reference_variable_is_assigned(reference):
    session, _, variable, _ = reference
    tensor = variable.graph.get_tensor_by_name("w:0")
    session.run(v1.assign_sub(tensor, 0.5))
    session.run(v1.assign_add(tensor, 1.0))
    assert session.run("w:0") == 2.5
    session.run(v1.assign(tensor, 9.0))
    assert session.run(variable) == 9


def test_feeds_of_one_result_are_kept_when_the_operation_runs_for_another():
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder_with_default([0, 1, 2, 3], [4])
        first, second = tf.split(x, 2)
        parts = first + second
        largest, where = tf.math.top_k(x, 2)
        calls = tf.function(lambda x: (x + 1, x * 2))(x)
        assert session.run(parts).tolist() == [2, 4]
        assert session.run(parts, {first: [10, 20]}).tolist() == [12, 23]
        assert session.run([parts, second.op], {second: [10, 20], x: [1] * 4})[0].tolist() == [
            11,
            21,
        ]
        assert session.run(largest * where, {where: [5, 6]}).tolist() == [15, 12]
        assert session.run(calls[0] + calls[1], {calls[0]: [7] * 4}).tolist() == [7, 9, 11, 13]
        assert session.run(parts).tolist() == [2, 4]


def test_steps_of_a_partial_run_do_not_wait_for_feeds_that_they_do_not_read():
    with tf.Graph().as_default(), v1.Session() as session:
        first, second = tf.split([0, 1, 2, 3], 2)
        doubled, parts = second * 2, first + second
        handle = session.partial_run_setup([doubled, parts], [first])
        with pytest.raises(tf.errors.InvalidArgumentError, match="split:0, which has not been fed"):
            session.partial_run(handle, parts)
        assert session.partial_run(handle, doubled).tolist() == [4, 6]
        assert session.partial_run(handle, parts, {first: [10, 20]}).tolist() == [12, 23]


def test_pruned_functions_keep_feeds_of_one_result():
    def add_halves(x):
        first, second = tf.split(x, 2, name="halves")
        return tf.add(first, second, name="parts")

    whole = v1.wrap_function(add_halves, [tf.TensorSpec([4], tf.int32)])
    pruned = whole.prune(["halves:0", whole.inputs[0]], "parts:0")
    assert pruned(tf.constant([10, 20]), tf.range(4)).numpy().tolist() == [12, 23]
