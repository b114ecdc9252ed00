"""Errors of tensor arrays in functions."""

import pytest

import penstock as tf

ROWS = {
    "unstack": lambda array, rows: array.unstack(rows),
    "scatter": lambda array, rows: array.scatter([0, 1], rows),
    "split": lambda array, rows: array.split(rows, [1, 1]),
}


@pytest.mark.parametrize("method", ROWS)
def test_rows_of_another_dtype_are_an_error_of_the_trace(method):
    @tf.function
    def function(rows):
        return ROWS[method](tf.TensorArray(tf.int32, 2), rows).concat()

    with pytest.raises(ValueError, match="dtype float32 but got list with element dtype int32"):
        function(tf.constant([1.0, 2.0]))


@pytest.mark.parametrize("wrap", [tf.function, lambda f: f])
def test_an_element_of_another_dtype_is_an_invalid_argument(wrap):
    @wrap
    def function():
        return tf.TensorArray(tf.float32, 3).write(0, tf.constant(1)).stack()

    with pytest.raises(tf.errors.InvalidArgumentError, match="int32"):
        function()


def test_elements_of_other_shapes_are_inconsistent():
    @tf.function
    def function():
        array = tf.TensorArray(tf.int32, 3, element_shape=[2])
        return array.write(0, tf.constant([1, 2, 3])).stack()

    with pytest.raises(ValueError, match=r"^Inconsistent shapes: saw \(3,\) but expected \(2,\) "):
        function()


@pytest.mark.parametrize("wrap", [tf.function, lambda f: f])
@pytest.mark.parametrize(
    ("read", "expected"),
    [
        (lambda array: array.read(0), [b"", b""]),
        (lambda array: array.stack(), [[b"", b""], [b"a", b"b"]]),
        (lambda array: array.gather([1, 0]), [[b"a", b"b"], [b"", b""]]),
        (lambda array: array.concat(), [b"", b"", b"a", b"b"]),
    ],
    ids=["read", "stack", "gather", "concat"],
)
def test_strings_that_were_not_written_are_empty(wrap, read, expected):
    @wrap
    def function():
        return read(tf.TensorArray(tf.string, 2, element_shape=[2]).write(1, ["a", "b"]))

    assert function().numpy().tolist() == expected
