"""Ops for groups of elements (`Op.eager_each`), against `eager` for each element."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import penstock as tf
from penstock._src.core import dtypes
from penstock._src.core.op import flatten_arguments, group_arguments
from penstock._src.core.registry import load_all
from penstock._src.core.shapes import TensorShape
from penstock._src.core.values.groups import NotGrouped, Ragged, Stacked, group_of
from penstock._src.ops.data_planner.group_functions import _computed

OPS = load_all()
TEXT = st.one_of(
    st.binary(max_size=12), st.lists(st.sampled_from([b"a", b"b c", b"", b"d"])).map(b" ".join)
)


def scalar(value):
    made = np.empty((), object)
    made[()] = value
    return made


def vector(values):
    made = np.empty(len(values), object)
    made[:] = values
    return made


def op_of(name, **attrs):
    return OPS[name].instance({**OPS[name].attributes, **attrs})


def each(value, count):
    return value.elements() if isinstance(value, (Stacked, Ragged)) else [value] * count


def check(op, inputs, count):
    """Compares an op for a group with calls of it for each element."""
    found = [each(output, count) for output in _computed(op, inputs)]
    columns = [each(value, count) for value in inputs]
    for at in range(count):
        arguments = [column[at] for column in columns]
        result = op.eager(*group_arguments(op.inputs, op, arguments))
        expected = flatten_arguments(result if isinstance(result, (list, tuple)) else [result])
        assert len(found) == len(expected)
        for one, other in zip((column[at] for column in found), expected, strict=True):
            one, other = np.asarray(one), np.asarray(other)
            assert one.shape == other.shape and one.tolist() == other.tolist()


SPLIT = {
    "white space": (op_of("StringSplitV2"), b""),
    "separator": (op_of("StringSplitV2"), b" "),
    "at most": (op_of("StringSplitV2", maxsplit=1), b" "),
    "of version 1": (op_of("StringSplit"), b" c"),
}


@pytest.mark.parametrize("kind", SPLIT)
@settings(max_examples=40, deadline=None)
@given(rows=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=9), width=st.integers(0, 2))
def test_splits_of_a_group_equal_those_of_its_elements(kind, rows, width):
    op, separator = SPLIT[kind]
    group = group_of([vector(row[:width]) for row in rows])
    check(op, [group, scalar(separator)], len(rows))


STRINGS = {
    "lower": op_of("StringLower", encoding=""),
    "strip": op_of("StringStrip"),
    "length": op_of("StringLength"),
    "pattern": op_of("StaticRegexReplace", pattern="[a-c]+", rewrite="x"),
    "match": op_of("StaticRegexFullMatch", pattern="a.*"),
    "bucket": op_of("StringToHashBucketFast", num_buckets=7),
    "encoded": op_of("EncodeBase64"),
    "inflated": op_of("DecodeCompressed", compression_type=""),
    "bytes": op_of("DecodeRaw", out_type=dtypes.uint8),
}


@pytest.mark.parametrize("kind", STRINGS)
@settings(max_examples=30, deadline=None)
@given(rows=st.lists(TEXT, min_size=1, max_size=9))
def test_strings(kind, rows):
    check(STRINGS[kind], [group_of([scalar(row) for row in rows])], len(rows))


@pytest.mark.parametrize("kind", [k for k in STRINGS if k != "bytes"])
@settings(max_examples=30, deadline=None)
@given(rows=st.lists(st.lists(TEXT, max_size=4), min_size=1, max_size=9))
def test_vectors_of_strings(kind, rows):
    check(STRINGS[kind], [group_of([vector(row) for row in rows])], len(rows))


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(TEXT, min_size=1, max_size=9), at=st.integers(-3, 3), size=st.integers(-1, 3))
def test_substrings(rows, at, size):
    group, op = group_of([scalar(row) for row in rows]), op_of("Substr", T=dtypes.int32)
    if any(abs(at) > len(row) for row in rows):
        with pytest.raises(tf.errors.InvalidArgumentError):
            _computed(op, [group, np.int32(at), np.int32(size)])
        return
    check(op, [group, np.array(at, "i"), np.array(size, "i")], len(rows))


@settings(max_examples=30, deadline=None)
@given(rows=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=9))
def test_joined_strings(rows):
    first, second = (group_of([scalar(row[at]) for row in rows]) for at in range(2))
    check(op_of("StringJoin", N=3, separator="-"), [first, scalar(b"x"), second], len(rows))


NUMBERS = st.lists(st.lists(st.integers(-9, 9), max_size=5), min_size=1, max_size=8)


@settings(max_examples=40, deadline=None)
@given(rows=NUMBERS, shared=st.integers(-9, 9))
def test_elementwise_ops_of_ragged_numbers(rows, shared):
    op = op_of("AddV2", T=dtypes.int64)
    group = group_of([np.array(row, np.int64) for row in rows])
    firsts = Stacked(np.array([len(row) for row in rows], np.int64))
    check(op, [group, np.array(shared)], len(rows))
    check(op, [group, group], len(rows))
    if isinstance(group, Ragged):
        check(op, [firsts, group], len(rows))


def test_elements_of_lower_rank_broadcast():
    matrix, vectors = (
        Stacked(np.arange(24.0).reshape(2, 3, 4)),
        Stacked(np.arange(8.0).reshape(2, 4)),
    )
    op = op_of("Mul", T=dtypes.float64)
    check(op, [matrix, vectors], 2)
    check(op, [vectors, matrix], 2)
    check(op, [matrix, np.arange(4.0)], 2)
    with pytest.raises(NotGrouped):
        check(op, [vectors, np.ones((3, 4))], 2)


@pytest.mark.parametrize("axis", [-2, -1, 0, 1])
def test_stacked_components(axis):
    parts = [Stacked(np.arange(6).reshape(2, 3)), np.arange(3), Stacked(np.ones((2, 3), int))]
    check(op_of("Pack", N=3, T=dtypes.int64, axis=axis), parts, 2)
    check(op_of("ExpandDims", T=dtypes.int64, Tdim=dtypes.int32), [parts[0], np.array(axis)], 2)


@pytest.mark.parametrize("shape", [[3, 2], [-1], [2, -1], [1, 6, 1]])
def test_reshaped_elements(shape):
    op = op_of("Reshape", T=dtypes.int64, Tshape=dtypes.int32)
    stack = Stacked(np.arange(12).reshape(2, 6))
    check(op, [stack, np.array(shape)], 2)
    check(op, [Ragged(np.arange(12), np.array([0, 6, 12])), np.array(shape)], 2)
    with pytest.raises(NotGrouped):
        check(op, [Ragged(np.arange(12), np.array([0, 6, 11])), np.array([2, -1])], 2)


def feature(rows):
    kinds = {"i": "int64_list", "f": "float_list", "s": "bytes_list"}
    lists = {"i": tf.train.Int64List, "f": tf.train.FloatList, "s": tf.train.BytesList}
    return {
        key: tf.train.Feature(**{kinds[key[0]]: lists[key[0]](value=values)})
        for key, values in rows.items()
        if values is not None
    }


def features(*keys):
    values = {"i": st.integers(-(2**63), 2**63 - 1), "f": st.floats(width=32, allow_nan=False)}
    return st.fixed_dictionaries(
        {
            key: st.one_of(st.none(), st.lists(values.get(key[0], st.binary(max_size=4)), max_size=4))
            for key in keys
        }
    )  # fmt: skip


def keys(*names):
    return vector([name.encode() for name in names])


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(features("i1", "f1", "s1", "i2"), min_size=1, max_size=6))
def test_examples(rows):
    rows = [
        {**row, "f2": [1.5, 2.5], "s2": [b"x"] if at % 2 else None} for at, row in enumerate(rows)
    ]
    texts = [
        tf.train.Example(features=tf.train.Features(feature=feature(row))).SerializeToString()
        for row in rows
    ]
    op = op_of(
        "ParseExampleV2",
        Tdense=(dtypes.float32, dtypes.string, dtypes.int64),
        num_sparse=2,
        sparse_types=(dtypes.int64, dtypes.string),
        ragged_value_types=(dtypes.float32,),
        ragged_split_types=(dtypes.int32,),
        dense_shapes=(TensorShape([2]), TensorShape([]), TensorShape([None])),
    )
    defaults = [np.zeros(0, "f"), vector([b"none"]), np.zeros(0, np.int64)]
    inputs = [group_of([scalar(text) for text in texts]), vector([]), keys("i1", "s1")]
    check(op, [*inputs, keys("f2", "s2", "i2"), keys("f1"), *defaults], len(rows))


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            features("i1", "s1"),
            st.lists(st.lists(st.integers(0, 9), max_size=3), max_size=4),
            st.integers(0, 3),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_sequence_examples(rows):
    texts = []
    for context, steps, count in rows:
        lists = {
            "i": [feature({"i": step})["i"] for step in steps],
            "f": [feature({"f": [1.0, at]})["f"] for at in range(count)],
        }
        made = {key: tf.train.FeatureList(feature=values) for key, values in lists.items()}
        texts.append(
            tf.train.SequenceExample(
                context=tf.train.Features(feature=feature({**context, "i2": [7]})),
                feature_lists=tf.train.FeatureLists(feature_list=made),
            ).SerializeToString()
        )
    op = op_of(
        "ParseSequenceExampleV2",
        Ncontext_sparse=1,
        context_sparse_types=(dtypes.int64,),
        Tcontext_dense=(dtypes.int64,),
        context_dense_shapes=(TensorShape([]),),
        context_ragged_value_types=(dtypes.string,),
        context_ragged_split_types=(dtypes.int64,),
        Nfeature_list_sparse=1,
        feature_list_sparse_types=(dtypes.int64,),
        Nfeature_list_dense=2,
        feature_list_dense_types=(dtypes.float32, dtypes.float32),
        feature_list_dense_shapes=(TensorShape([2]), TensorShape([2, 1])),
        feature_list_ragged_value_types=(dtypes.int64,),
        feature_list_ragged_split_types=(dtypes.int32,),
    )
    names = [keys("i1"), keys("i2"), keys("s1"), keys("i"), keys("f", "missing"), keys("i")]
    inputs = [group_of([scalar(text) for text in texts]), vector([]), *names]
    inputs += [np.array([False, True]), np.zeros(0, np.int64)]
    check(op, inputs, len(rows))
