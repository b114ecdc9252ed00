"""Numbers computed from shapes: what compiled functions give, at several sizes, beside eager ones."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import penstock as tf

TYPES = ("int8", "uint8", "int16", "int32", "int64", "uint32")
SIZES = ((2, 3), (3, 2), (5, 5), (100, 7), (130, 256), (300, 129), (40000, 3), (1, 70))

BINARY = {
    "add": tf.add,
    "subtract": tf.subtract,
    "multiply": tf.multiply,
    "maximum": tf.maximum,
    "minimum": tf.minimum,
    "less": lambda a, b: tf.cast(a < b, a.dtype),
    "equal": lambda a, b: tf.cast(tf.equal(a, b), a.dtype),
    "where": lambda a, b: tf.where(tf.cast(a, tf.bool), b, a),
    "sum": lambda a, b: tf.reduce_sum(tf.stack([a, b, a])),
    "prod": lambda a, b: tf.reduce_prod(tf.stack([a, b, a])),
    "and": tf.bitwise.bitwise_and,
    "or": tf.bitwise.bitwise_or,
    "xor": tf.bitwise.bitwise_xor,
    "invert": lambda a, b: tf.bitwise.invert(a),
    "left_shift": lambda a, b: tf.bitwise.left_shift(a, b % tf.constant(7, a.dtype)),
    "right_shift": tf.bitwise.right_shift,
    "table": lambda a, b: tf.gather(
        tf.constant([5, -3, 0, 7, 7, 1, 2], a.dtype), tf.cast(b % tf.constant(7, b.dtype), tf.int32)
    ),
    "cumsum": lambda a, b: tf.cumsum(tf.stack([a, b, a]))[-1],
}
DIVISIONS = {
    "floordiv": tf.math.floordiv,
    "floormod": tf.math.floormod,
    "truncatediv": tf.truncatediv,
    "truncatemod": tf.truncatemod,
}
SIGNED = {"negative": tf.negative, "abs": tf.abs, "sign": tf.sign}

place = st.integers(0, 30)
instruction = st.one_of(
    st.tuples(st.sampled_from([*BINARY, *DIVISIONS]), place, place),
    st.tuples(st.sampled_from([*SIGNED]), place, place),
    st.tuples(st.just("cast"), place, st.sampled_from([*TYPES, "bool", "float32", "float16"])),
    st.tuples(st.just("number"), st.integers(-300, 300), place),
)


def computed(program, kind, x):
    """The numbers that a program makes of the two extents of x: each step takes numbers made before."""
    shape = tf.shape(x)
    found = [tf.cast(shape[0], kind), tf.cast(shape[1], kind), tf.size(x)]
    for name, first, second in program:
        a = found[first % len(found)]
        if name == "number":
            found.append(tf.constant(first))
        elif name == "cast":
            if second.startswith("float"):  # and back, as far as the type of floats holds numbers
                a = tf.cast(tf.clip_by_value(a, 0, 100), second)
                found.append(tf.cast(a, tf.int32))
            else:
                found.append(tf.cast(tf.cast(a, second), a.dtype if second == "bool" else second))
        elif name in SIGNED:
            found.append(a if a.dtype.is_unsigned else SIGNED[name](a))
        else:
            b = tf.cast(found[second % len(found)], a.dtype)
            if name in BINARY:
                found.append(BINARY[name](a, b))
            elif a.dtype in (tf.int32, tf.int64):
                found.append(DIVISIONS[name](a, tf.where(tf.equal(b, 0), tf.ones_like(b), b)))
    return found


@settings(max_examples=60, deadline=None)
@given(program=st.lists(instruction, min_size=2, max_size=9), kind=st.sampled_from(TYPES))
def test_shape_arithmetic_is_that_of_eager_tensors(program, kind):
    compiled = tf.function(
        lambda x: computed(program, kind, x), [tf.TensorSpec([None, None])], autograph=False
    )
    for size in SIZES:
        x = tf.zeros(size)
        for found, right in zip(compiled(x), computed(program, kind, x), strict=True):
            np.testing.assert_array_equal(found, right, f"{program} at {size}")


@tf.function(input_signature=[tf.TensorSpec([None])])
def narrow(x):
    """Numbers that wrap around in their types on the way."""
    n = tf.shape(x)[0]
    small = tf.cast(n, tf.int8)
    return tf.cast(small + 100, tf.int32), n * n * n * n // 1000, tf.cast(small, tf.int32)


def test_numbers_wrap_around_as_their_types_do():
    assert [int(v) for v in narrow(tf.zeros([100]))] == [-56, 100000, 100]
    assert [int(v) for v in narrow(tf.zeros([300]))] == [-112, -489935, 44]
