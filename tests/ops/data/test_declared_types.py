"""Elements that ops take from datasets and optionals have the types and shapes that the ops declare."""

import numpy as np
import pytest

import penstock as tf

raw = tf.raw_ops
INT, STRING, FLOAT = tf.int32, tf.string, tf.float32
SCALARS = [tf.TensorShape([]), tf.TensorShape([])]


def element_at(types, shapes):
    rows = tf.data.Dataset.from_tensor_slices(([1, 2], ["a", "b"]))._variant_tensor
    return raw.GetElementAtIndex(
        dataset=rows, index=np.int64(0), output_types=types, output_shapes=shapes
    )


def only_element(types, shapes):
    row = tf.data.Dataset.from_tensors((1, "a"))._variant_tensor
    return raw.DatasetToSingleElement(dataset=row, output_types=types, output_shapes=shapes)


def of_optional(types, shapes):
    optional = raw.OptionalFromValue(components=[tf.constant(1), tf.constant("a")])
    return raw.OptionalGetValue(optional=optional, output_types=types, output_shapes=shapes)


TAKERS = [element_at, only_element, of_optional]


@pytest.mark.parametrize("take", TAKERS)
@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize(
    "types, shapes",
    [
        ([INT, FLOAT], SCALARS),
        ([STRING, STRING], SCALARS),
        ([INT], SCALARS[:1]),
        ([INT, STRING], [tf.TensorShape([2]), tf.TensorShape([])]),
    ],
)
def test_other_types_are_refused(take, traced, types, shapes):
    run = tf.function(take, autograph=False) if traced else take
    with pytest.raises(tf.errors.InvalidArgumentError):
        run(types, shapes)


@pytest.mark.parametrize("take", TAKERS)
def test_declared_types_are_taken(take):
    number, text = take([INT, STRING], [tf.TensorShape([]), tf.TensorShape(None)])
    assert (int(number), text.numpy()) == (1, b"a")
