"""Wrong calls on arrays: reshaping, joining, indexing, making constants."""

import numpy as np

from tests.errors.calls import tf, wrong

f = tf.constant([1.0, 2.0, 3.0])
i = tf.constant([1, 2, 3])
m = tf.ones([2, 3])
Invalid = tf.errors.InvalidArgumentError
EITHER = (Invalid, ValueError)


def set_element():
    m[0] = 1.0


CALLS = [
    wrong("split into none", Invalid, lambda: tf.split(f, 0), "num_split", "at least minimum 1"),
    wrong(
        "blocks of one pixel",
        Invalid,
        lambda: tf.nn.space_to_depth(tf.ones([1, 2, 2, 1]), 1),
        "block_size",
        "minimum 2",
    ),
    wrong(
        "lengths of the wrong rank",
        Invalid,
        lambda: tf.nn.ctc_greedy_decoder(tf.ones([2, 2, 3]), [[1, 1]]),
    ),
    wrong(
        "constant of rows of different lengths",
        ValueError,
        lambda: tf.constant([[1, 2], [3]]),
        "rectangular",
    ),
    wrong("constant of None", ValueError, lambda: tf.constant(None), "None"),
    wrong("constant of mixed kinds", ValueError, lambda: tf.constant([1, "a"]), "int and str"),
    wrong("constant of a dict", (ValueError, TypeError), lambda: tf.constant({"a": 1})),
    wrong("constant of an object", (ValueError, TypeError), lambda: tf.constant(object())),
    wrong("constant float as int", TypeError, lambda: tf.constant(1.5, tf.int32), "1.5", "int32"),
    wrong(
        "constant string as float",
        (TypeError, ValueError),
        lambda: tf.constant("a", tf.float32),
        "float",
    ),
    wrong("constant int as bool", TypeError, lambda: tf.constant(1, tf.bool), "bool"),
    wrong(
        "constant int as string",
        (TypeError, ValueError),
        lambda: tf.constant(1, tf.string),
        "string",
    ),
    wrong("constant too large", (ValueError, OverflowError), lambda: tf.constant(2**70)),
    wrong(
        "constant in a shape that does not hold it",
        (TypeError, ValueError),
        lambda: tf.constant([1, 2, 3], shape=[2, 2]),
        "3",
        "(2,2)",
    ),
    wrong(
        "convert a tensor to another type",
        ValueError,
        lambda: tf.convert_to_tensor(f, tf.int32),
        "float32",
        "int32",
    ),
    wrong("reshape to another size", Invalid, lambda: tf.reshape(m, [4]), "6", "4"),
    wrong("reshape with two unknown sizes", Invalid, lambda: tf.reshape(m, [-1, -1]), "-1"),
    wrong("reshape to a size that does not divide", Invalid, lambda: tf.reshape(m, [-1, 4]), "4"),
    wrong("reshape to a negative size", Invalid, lambda: tf.reshape(m, [-2, 3]), "-2"),
    wrong("reshape by floats", (Invalid, TypeError, ValueError), lambda: tf.reshape(m, [2.0, 3.0])),
    wrong(
        "transpose by a permutation of another rank",
        Invalid,
        lambda: tf.transpose(m, [0, 1, 2]),
        "Transpose",
        "vector of size 2",
    ),
    wrong("transpose by a repeated axis", Invalid, lambda: tf.transpose(m, [0, 0])),
    wrong("transpose by an axis beyond the rank", Invalid, lambda: tf.transpose(m, [0, 2])),
    wrong("expand dims beyond the rank", Invalid, lambda: tf.expand_dims(m, 4), "4"),
    wrong("squeeze an axis that is not 1", Invalid, lambda: tf.squeeze(m, [0]), "2"),
    wrong("squeeze an axis beyond the rank", Invalid, lambda: tf.squeeze(m, [5]), "5"),
    wrong("concat of different ranks", EITHER, lambda: tf.concat([f, m], 0), "[3]", "[2,3]"),
    wrong(
        "concat of sizes that differ",
        EITHER,
        lambda: tf.concat([m, tf.ones([2, 4])], 0),
        "[2,3]",
        "[2,4]",
    ),
    wrong("concat over an axis beyond the rank", EITHER, lambda: tf.concat([m, m], 3), "3"),
    wrong("concat of swapped arguments", ValueError, lambda: tf.concat(0, [m, m]), "axis"),
    wrong(
        "concat of different types", (Invalid, TypeError, ValueError), lambda: tf.concat([f, i], 0)
    ),
    wrong("stack of different shapes", EITHER, lambda: tf.stack([f, tf.ones([2])]), "[3]", "[2]"),
    wrong("stack over an axis beyond the rank", EITHER, lambda: tf.stack([f, f], axis=3), "3"),
    wrong("unstack of another number", (ValueError, Invalid), lambda: tf.unstack(m, num=3)),
    wrong("split that does not come out even", Invalid, lambda: tf.split(m, 2, axis=1), "split"),
    wrong("split sizes that do not add up", Invalid, lambda: tf.split(m, [1, 1], axis=1)),
    wrong(
        "split over an axis beyond the rank",
        (Invalid, ValueError),
        lambda: tf.split(m, 2, axis=4),
        "4",
    ),
    wrong("slice beyond the end", Invalid, lambda: tf.slice(m, [0, 0], [3, 3]), "3"),
    wrong("slice of a negative start", Invalid, lambda: tf.slice(m, [-1, 0], [1, 1])),
    wrong("slice by too few numbers", Invalid, lambda: tf.slice(m, [0], [1])),
    wrong("index beyond the end", (Invalid, IndexError), lambda: m[2], "2"),
    wrong("index beyond the start", (Invalid, IndexError), lambda: m[-3], "-3"),
    wrong("too many indices", (Invalid, IndexError), lambda: m[0, 0, 0]),
    wrong("index by a float", TypeError, lambda: m[1.0]),
    wrong("index by a string", TypeError, lambda: m["a"]),
    wrong("slice with a step of zero", (Invalid, ValueError), lambda: m[::0], "stride"),
    wrong("two ellipses", (Invalid, ValueError, TypeError), lambda: m[..., 0, ...]),
    wrong("assign to an element of a tensor", TypeError, set_element),
    wrong("gather beyond the end", Invalid, lambda: tf.gather(f, [5]), "5", "[0, 3)"),
    wrong("gather of a negative index", Invalid, lambda: tf.gather(f, [-1]), "-1"),
    wrong("gather by floats", (Invalid, TypeError), lambda: tf.gather(f, [0.5])),
    wrong(
        "gather over an axis beyond the rank",
        (Invalid, ValueError),
        lambda: tf.gather(f, [0], axis=2),
    ),
    wrong("gather_nd beyond the end", Invalid, lambda: tf.gather_nd(m, [[2, 0]])),
    wrong(
        "gather_nd of too many numbers", (Invalid, ValueError), lambda: tf.gather_nd(m, [[0, 0, 0]])
    ),
    wrong("scatter beyond the end", Invalid, lambda: tf.scatter_nd([[9]], [1.0], [3])),
    wrong(
        "scatter of shapes that differ",
        (Invalid, ValueError),
        lambda: tf.scatter_nd([[0], [1]], [1.0], [3]),
    ),
    wrong(
        "tensor scatter beyond the end",
        Invalid,
        lambda: tf.tensor_scatter_nd_update(f, [[7]], [1.0]),
    ),
    wrong(
        "tensor scatter of another type",
        (Invalid, TypeError, ValueError),
        lambda: tf.tensor_scatter_nd_add(f, [[0]], tf.constant([1])),
    ),
    wrong(
        "boolean mask of another shape",
        (Invalid, ValueError),
        lambda: tf.boolean_mask(f, [True, False]),
    ),
    wrong("boolean mask of rank 0", ValueError, lambda: tf.boolean_mask(f, True)),
    wrong("where of shapes that do not broadcast", Invalid, lambda: tf.where([True, False], f, f)),
    wrong(
        "where of different types",
        (Invalid, TypeError, ValueError),
        lambda: tf.where([True, False, True], f, i),
    ),
    wrong("where with one branch", ValueError, lambda: tf.where([True], x=f)),
    wrong("tile of another rank", Invalid, lambda: tf.tile(m, [2]), "multiples"),
    wrong("tile of a negative number", Invalid, lambda: tf.tile(f, [-1])),
    wrong("pad of another rank", (Invalid, ValueError), lambda: tf.pad(m, [[1, 1]])),
    wrong("pad of a negative size", (Invalid, ValueError), lambda: tf.pad(f, [[-1, 0]])),
    wrong(
        "reflecting pad larger than the tensor",
        (Invalid, ValueError),
        lambda: tf.pad(f, [[3, 3]], "REFLECT"),
    ),
    wrong("pad of an unknown mode", ValueError, lambda: tf.pad(f, [[1, 1]], "SIDEWAYS"), "mode"),
    wrong("broadcast to a shape that does not fit", Invalid, lambda: tf.broadcast_to(m, [2, 4])),
    wrong("fill a negative size", (Invalid, ValueError), lambda: tf.fill([-1], 0.0)),
    wrong("fill with a vector", (Invalid, ValueError), lambda: tf.fill([2], [1.0, 2.0])),
    wrong("one hot of a negative depth", (Invalid, ValueError), lambda: tf.one_hot([0], -1)),
    wrong(
        "one hot over an axis beyond the rank",
        (Invalid, ValueError),
        lambda: tf.one_hot([0], 3, axis=4),
    ),
    wrong(
        "reverse over an axis beyond the rank", (Invalid, ValueError), lambda: tf.reverse(f, [2])
    ),
    wrong("repeat of another length", (Invalid, ValueError), lambda: tf.repeat(f, [1, 2])),
    wrong(
        "ensure a shape it has not", Invalid, lambda: tf.ensure_shape(m, [3, 3]), "[2,3]", "[3,3]"
    ),
    wrong("zeros of a negative size", (Invalid, ValueError), lambda: tf.zeros([-2])),
    wrong("ones of an unknown type", TypeError, lambda: tf.ones([2], "whatever")),
    wrong("eye of a negative size", (Invalid, ValueError), lambda: tf.eye(-1)),
    wrong("diagonal of a vector", (Invalid, ValueError), lambda: tf.linalg.diag_part(f)),
    wrong(
        "bitcast to a size that does not fit",
        (Invalid, ValueError),
        lambda: tf.bitcast(f[:1], tf.float64),
    ),
    wrong(
        "sequence mask of strings",
        (Invalid, TypeError, ValueError),
        lambda: tf.sequence_mask(["a"]),
    ),
    wrong("length of a scalar", TypeError, lambda: len(tf.constant(1))),
    wrong("iterate over a scalar", TypeError, lambda: iter(tf.constant(1)).__next__()),
    wrong("truth of several values", ValueError, lambda: bool(f)),
    wrong("int of several values", TypeError, lambda: int(f)),
    wrong("hash of a tensor", TypeError, lambda: hash(f), "unhashable"),
    wrong("graph of an eager tensor", AttributeError, lambda: f.graph, "eager"),
    wrong("name of an eager tensor", AttributeError, lambda: f.name, "eager"),
    wrong("set a shape it has not", ValueError, lambda: m.set_shape([5])),
    wrong("shape of a negative size", ValueError, lambda: tf.TensorShape([-2])),
    wrong("shape of a string", (ValueError, TypeError), lambda: tf.TensorShape(["a"])),
    wrong("list of an unknown shape", ValueError, lambda: tf.TensorShape(None).as_list()),
    wrong(
        "merge of shapes that differ",
        ValueError,
        lambda: tf.TensorShape([2]).merge_with([3]),
        "2",
        "3",
    ),
    wrong(
        "nest of other structure",
        ValueError,
        lambda: tf.nest.map_structure(lambda a, b: a, [1, 2], [1]),
    ),
    wrong("nest of other kinds", TypeError, lambda: tf.nest.assert_same_structure([1], (1,))),
    wrong("pack of too few leaves", ValueError, lambda: tf.nest.pack_sequence_as([1, 2], [1])),
    wrong(
        "numpy array of objects",
        (ValueError, TypeError),
        lambda: tf.constant(np.array([None, 1], object)),
    ),
]
