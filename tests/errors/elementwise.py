"""Wrong calls of mathematics: types that do not fit, shapes that do not broadcast, bad axes."""

from tests.errors.calls import tf, wrong

f = tf.constant([1.0, 2.0, 3.0])
i = tf.constant([1, 2, 3])
m = tf.ones([2, 3])
s = tf.constant(["a", "b"])
b = tf.constant([True, False, True])
Invalid = tf.errors.InvalidArgumentError
Unimplemented = tf.errors.UnimplementedError
EITHER = (Invalid, ValueError, TypeError)

CALLS = [
    wrong("add float and int tensors", Invalid, lambda: f + i, "AddV2", "float", "int32"),
    wrong("subtract int and float tensors", Invalid, lambda: i - f, "Sub", "float", "int32"),
    wrong(
        "multiply float32 and float64", Invalid, lambda: f * tf.cast(f, tf.float64), "Mul", "double"
    ),
    wrong(
        "divide float16 by float32",
        (Invalid, TypeError),
        lambda: tf.cast(f, tf.float16) / f,
        "float16",
        "float32",
    ),
    wrong("power of mixed types", Invalid, lambda: tf.pow(f, i), "Pow"),
    wrong("maximum of mixed types", Invalid, lambda: tf.maximum(f, i), "Maximum"),
    wrong("minimum of mixed types", Invalid, lambda: tf.minimum(i, f), "Minimum"),
    wrong("floor mod of mixed types", Invalid, lambda: tf.math.floormod(f, i), "FloorMod"),
    wrong(
        "squared difference of mixed types",
        Invalid,
        lambda: tf.math.squared_difference(f, i),
        "SquaredDifference",
    ),
    wrong(
        "atan2 of mixed types", Invalid, lambda: tf.math.atan2(f, tf.cast(f, tf.float64)), "Atan2"
    ),
    wrong("compare int and float tensors", Invalid, lambda: i < f, "Less"),
    wrong("greater of mixed types", Invalid, lambda: tf.greater(f, i), "Greater"),
    wrong(
        "add shapes that do not broadcast",
        Invalid,
        lambda: tf.ones([2, 3]) + tf.ones([4]),
        "[2,3]",
        "[4]",
    ),
    wrong(
        "multiply shapes that do not broadcast",
        Invalid,
        lambda: tf.ones([2, 3]) * tf.ones([2, 2]),
        "[2,3]",
        "[2,2]",
    ),
    wrong(
        "subtract shapes that do not broadcast",
        Invalid,
        lambda: tf.ones([5]) - tf.ones([3]),
        "[5]",
        "[3]",
    ),
    wrong(
        "maximum of shapes that do not broadcast",
        Invalid,
        lambda: tf.maximum(tf.ones([5]), tf.ones([3])),
        "[5]",
        "[3]",
    ),
    wrong(
        "less of shapes that do not broadcast",
        Invalid,
        lambda: tf.less(tf.ones([5]), tf.ones([3])),
        "[5]",
        "[3]",
    ),
    wrong(
        "logical and of shapes that do not broadcast",
        Invalid,
        lambda: tf.logical_and(b, tf.constant([True, True])),
        "[3]",
        "[2]",
    ),
    wrong("sqrt of integers", Invalid, lambda: tf.sqrt(i), "Sqrt", "int32"),
    wrong("exp of integers", Invalid, lambda: tf.exp(i), "Exp", "int32"),
    wrong("log of integers", Invalid, lambda: tf.math.log(i), "Log", "int32"),
    wrong("sigmoid of integers", Invalid, lambda: tf.sigmoid(i), "Sigmoid", "int32"),
    wrong("tanh of integers", Invalid, lambda: tf.tanh(i), "Tanh", "int32"),
    wrong("erf of integers", Invalid, lambda: tf.math.erf(i), "Erf", "int32"),
    wrong("lgamma of integers", Invalid, lambda: tf.math.lgamma(i), "Lgamma", "int32"),
    wrong("rsqrt of strings", Invalid, lambda: tf.math.rsqrt(s), "Rsqrt", "string"),
    wrong("negative of strings", Invalid, lambda: -s, "Neg", "string"),
    wrong("absolute value of booleans", Invalid, lambda: tf.abs(b), "Abs", "bool"),
    wrong("square of strings", Invalid, lambda: tf.square(s), "Square", "string"),
    wrong("floor of booleans", Invalid, lambda: tf.floor(b), "Floor", "bool"),
    wrong("logical and of floats", Invalid, lambda: tf.logical_and(f, f), "LogicalAnd", "bool"),
    wrong("logical not of integers", Invalid, lambda: tf.logical_not(i), "LogicalNot", "bool"),
    wrong(
        "bitwise and of floats",
        Invalid,
        lambda: tf.bitwise.bitwise_and(f, f),
        "BitwiseAnd",
        "float",
    ),
    wrong(
        "bitwise shift of booleans",
        Invalid,
        lambda: tf.bitwise.left_shift(b, b),
        "LeftShift",
        "bool",
    ),
    wrong("integer division by zero", Invalid, lambda: i // tf.constant(0), "zero"),
    wrong("integer modulo zero", Invalid, lambda: i % tf.constant(0), "zero"),
    wrong("is_nan of integers", Invalid, lambda: tf.math.is_nan(i), "IsNan", "int32"),
    wrong("add a float to an int tensor", (TypeError, Invalid), lambda: i + 1.5),
    wrong("add a string to a float tensor", (TypeError, ValueError, Invalid), lambda: f + "a"),
    wrong("add None", ValueError, lambda: f + None, "None"),
    wrong(
        "sum over an axis beyond the rank",
        Invalid,
        lambda: tf.reduce_sum(m, axis=2),
        "2",
        "dimension",
    ),
    wrong("mean over an axis beyond the rank", Invalid, lambda: tf.reduce_mean(m, axis=-3), "-3"),
    wrong("max over an axis beyond the rank", Invalid, lambda: tf.reduce_max(m, axis=5), "5"),
    wrong("sum over an axis twice", Invalid, lambda: tf.reduce_sum(m, axis=[0, 0]), "duplicate"),
    wrong("sum of strings", Invalid, lambda: tf.reduce_sum(s), "Sum", "string"),
    wrong("reduce_any of floats", Invalid, lambda: tf.reduce_any(f), "Any", "bool"),
    wrong("reduce_all of integers", Invalid, lambda: tf.reduce_all(i), "All", "bool"),
    wrong("argmax over an axis beyond the rank", Invalid, lambda: tf.argmax(m, axis=4), "4"),
    wrong("argmin over an axis beyond the rank", Invalid, lambda: tf.argmin(m, axis=-4), "-4"),
    wrong(
        "argmax of an empty axis", Invalid, lambda: tf.argmax(tf.zeros([0, 2])), "axis 0", "[0,2]"
    ),
    wrong("cumsum over an axis beyond the rank", Invalid, lambda: tf.cumsum(m, axis=3), "3"),
    wrong("cumprod of strings", Invalid, lambda: tf.math.cumprod(s), "Cumprod", "string"),
    wrong(
        "add_n of different shapes",
        EITHER,
        lambda: tf.add_n([tf.ones([2]), tf.ones([3])]),
        "[2]",
        "[3]",
    ),
    wrong("add_n of nothing", ValueError, lambda: tf.add_n([])),
    wrong(
        "matmul of inner dimensions that differ",
        Invalid,
        lambda: tf.matmul(tf.ones([2, 3]), tf.ones([2, 3])),
        "[2,3]",
    ),
    wrong(
        "matmul of float and int",
        Invalid,
        lambda: tf.matmul(tf.ones([2, 2]), tf.ones([2, 2], tf.int32)),
        "int32",
    ),
    wrong("matmul of vectors", Invalid, lambda: tf.matmul(f, f), "MatMul"),
    wrong(
        "batched matmul of batches that differ",
        Invalid,
        lambda: tf.matmul(tf.ones([2, 2, 2]), tf.ones([3, 2, 2])),
        "[2,2,2]",
        "[3,2,2]",
    ),
    wrong("matmul of strings", Invalid, lambda: tf.matmul([["a"]], [["b"]]), "string"),
    wrong(
        "einsum of sizes that differ",
        (Invalid, ValueError),
        lambda: tf.einsum("ij,jk->ik", tf.ones([2, 3]), tf.ones([2, 3])),
    ),
    wrong(
        "einsum of the wrong rank",
        (Invalid, ValueError),
        lambda: tf.einsum("ijk->i", tf.ones([2, 3])),
    ),
    wrong(
        "einsum of a missing operand",
        (Invalid, ValueError),
        lambda: tf.einsum("ij,jk->ik", tf.ones([2, 3])),
    ),
    wrong(
        "tensordot of sizes that differ",
        (Invalid, ValueError),
        lambda: tf.tensordot(tf.ones([2, 3]), tf.ones([2, 3]), 1),
    ),
    wrong(
        "segment sum of ids that decrease",
        Invalid,
        lambda: tf.math.segment_sum(f, [2, 1, 0]),
        "segment ids",
    ),
    wrong(
        "segment sum of too few ids", Invalid, lambda: tf.math.segment_sum(f, [0, 1]), "segment_ids"
    ),
    wrong("top_k of more than there is", Invalid, lambda: tf.math.top_k(f, k=5), "k"),
    wrong("clip by norm of strings", EITHER, lambda: tf.clip_by_norm(s, 1.0)),
    wrong("range with a step of zero", Invalid, lambda: tf.range(0, 5, 0), "delta", ": 0"),
    wrong("range of the wrong direction", Invalid, lambda: tf.range(5, 0, 1), "5", "0"),
    wrong("bincount of negative values", Invalid, lambda: tf.math.bincount([-1, 2]), "negative"),
    wrong(
        "confusion matrix of labels beyond the classes",
        Invalid,
        lambda: tf.math.confusion_matrix([5], [0], num_classes=2),
    ),
    wrong(
        "cross product of vectors of two",
        tf.errors.OpError,
        lambda: tf.linalg.cross([1.0, 2.0], [1.0, 2.0]),
        "3",
    ),
    wrong("cast to an unknown type", TypeError, lambda: tf.cast(f, "float31"), "float31"),
    wrong("complex of integers", TypeError, lambda: tf.complex(i, i)),
    wrong("unknown attribute of a raw op", TypeError, lambda: tf.raw_ops.Add(x=f, y=f, z=1), "z"),
    wrong("missing input of a raw op", TypeError, lambda: tf.raw_ops.Add(x=f), "y"),
    wrong(
        "positional unknown keyword of a function", TypeError, lambda: tf.add(f, f, axis=1), "axis"
    ),
]
