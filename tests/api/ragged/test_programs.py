"""Ragged batches of ever new rows and values: one trace, and programs that serve them all."""

import numpy as np
import pytest

import penstock as tf

SPEC = tf.RaggedTensorSpec([None, None], tf.int32)
RNG = np.random.default_rng(5)
WORDS = RNG.normal(size=(50, 8)).astype(np.float32)
LAST = RNG.normal(size=(8, 3)).astype(np.float32)


def batch(rows):
    lengths = RNG.integers(0, 9, rows)
    lengths[0] = 3
    return tf.RaggedTensor.from_row_lengths(RNG.integers(0, 50, lengths.sum()), lengths)


def embedded(texts):
    return tf.ragged.map_flat_values(tf.nn.embedding_lookup, WORDS, texts)


def classes(texts):
    return tf.nn.softmax(tf.reduce_sum(embedded(texts), 1) @ LAST)


def gradient(texts):
    with tf.GradientTape() as tape:
        words = tf.constant(WORDS)
        tape.watch(words)
        found = tf.ragged.map_flat_values(tf.nn.embedding_lookup, words, texts)
        loss = tf.reduce_mean(tf.nn.log_softmax(tf.reduce_max(found, 1))[:, 0])
    return tf.convert_to_tensor(tape.gradient(loss, words))


def programs_of(executable):
    """The programs for many extents of a graph and of what waits in it."""
    pending, seen = list(executable.blocks()), []
    while pending:
        block = pending.pop()
        if block not in seen:
            seen.append(block)
            steps = [step for made in block.forms() for step in made.steps]
            pending += [step.block for step in steps if hasattr(step, "block")]
    return [program for block in seen for program in block.programs]


@pytest.mark.parametrize(
    "function, most",
    [
        (classes, 1),
        (gradient, 1),
        (lambda t: tf.nn.softmax(tf.cast(t, tf.float32)).flat_values, 1),
        (lambda t: tf.reduce_any(t > 40, 1), 1),
        (lambda t: tf.reduce_sum(tf.concat([t, t], 0), 1), 1),
        (lambda t: tf.ragged.boolean_mask(t, t > 25).to_tensor(), 3),
        (lambda t: tf.reduce_sum(embedded(t).to_tensor(), 1), 2),
        (lambda t: tf.reduce_sum(tf.gather(t, tf.range(t.nrows())[::-1]), 1), 3),
        (lambda t: t[:, :2].to_tensor(), 3),
        (lambda t: tf.sequence_mask(t.row_lengths()), 2),
        (lambda t: t.value_rowids(), 2),
    ],
)
def test_programs_serve_any_number_of_rows_and_values(function, most):
    texts = [tf.cast(batch(rows), tf.int32) for rows in (7, 2, 30, 12, 100, 3, 55, 8)]
    compiled = tf.function(function, input_signature=[SPEC], autograph=False)
    for each in texts:
        np.testing.assert_allclose(compiled(each), function(each), rtol=1e-4, atol=1e-6)
    (trace,) = compiled._list_all_concrete_functions()
    assert len(programs_of(trace.graph_function.executable)) <= most


def test_a_trace_is_for_what_the_type_of_a_ragged_tensor_says():
    seen = []

    @tf.function(autograph=False)
    def lengths(texts):
        seen.append((texts.row_splits.shape.as_list(), texts.flat_values.shape.as_list()))
        return texts.row_lengths()

    for values in ([[1], [2, 3]], [[1, 2, 3, 4], []], [[1], [2], [3]]):
        lengths(tf.ragged.constant(values))
    assert seen == [([3], [None]), ([4], [None])]


def test_a_signature_is_for_structures_of_ragged_tensors():
    traces = []

    @tf.function(input_signature=[{"texts": SPEC, "weight": tf.TensorSpec([])}], autograph=False)
    def total(features):
        traces.append(features["texts"].shape.as_list())
        return features["weight"] * tf.cast(tf.reduce_sum(features["texts"]), tf.float32)

    for values in ([[1], [2, 3]], [[1, 2], [], [4]]):
        found = total({"texts": tf.ragged.constant(values), "weight": 2.0})
        assert found == 2.0 * sum(map(sum, values))
    assert traces == [[None, None]]


@pytest.mark.parametrize("splits", [[0, 2, 4], [0, 2, 9]])
def test_splits_that_do_not_fit_the_values_are_refused_where_both_meet(splits):
    wrong = tf.RaggedTensor.from_row_splits([1, 2, 3, 4, 5], splits, validate=False)
    total = tf.function(lambda t: tf.reduce_sum(t, 1), input_signature=[SPEC])
    with pytest.raises(tf.errors.InvalidArgumentError):
        total(wrong)
    rows = tf.function(lambda t: t.value_rowids(), input_signature=[SPEC])
    assert rows(wrong).numpy().tolist() == np.repeat([0, 1], np.diff(splits)).tolist()


@pytest.mark.parametrize(
    "function",
    [
        lambda t: tf.map_fn(lambda row: tf.reduce_sum(row) * 2, t, fn_output_signature=tf.int32),
        lambda t: (
            tf.map_fn(
                lambda row: row * 2, t, fn_output_signature=tf.RaggedTensorSpec([None], tf.int32)
            ).flat_values
        ),
    ],
)
def test_functions_of_rows_need_no_program_for_a_number_of_rows(function):
    compiled = tf.function(function, input_signature=[SPEC], autograph=False)
    for rows in (7, 2, 12, 3, 20):
        each = tf.cast(batch(rows), tf.int32)
        np.testing.assert_array_equal(compiled(each), function(each))
    (trace,) = compiled._list_all_concrete_functions()
    executable = trace.graph_function.executable
    assert len(programs_of(executable)) == 1
