"""Lookup tables."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.errors import FailedPreconditionError, UnimplementedError
from penstock._src.core.registry import raw


def test_a_table_is_filled_once():
    table = raw.HashTableV2(key_dtype="string", value_dtype="int64")
    keys, values = ["a", "b"], np.array([1, 2])
    with pytest.raises(FailedPreconditionError, match="Table not initialized"):
        raw.LookupTableFindV2(table_handle=table, keys=keys, default_value=np.int64(-1))
    raw.LookupTableImportV2(table_handle=table, keys=keys, values=values)
    raw.LookupTableImportV2(table_handle=table, keys=keys, values=values)
    found = raw.LookupTableFindV2(table_handle=table, keys=["b", "z"], default_value=np.int64(-1))
    assert found.numpy().tolist() == [2, -1]
    with pytest.raises(FailedPreconditionError, match="different data"):
        raw.LookupTableImportV2(table_handle=table, keys=["c"], values=np.array([3]))
    with pytest.raises(UnimplementedError, match="Insert not supported"):
        raw.LookupTableInsertV2(table_handle=table, keys=["c"], values=np.array([3]))


def test_a_mutable_table():
    table = raw.MutableHashTableV2(key_dtype="int64", value_dtype="float32")
    raw.LookupTableInsertV2(table_handle=table, keys=np.array([5, 1]), values=np.float32([1, 2]))
    raw.LookupTableRemoveV2(table_handle=table, keys=np.array([5]))
    assert raw.LookupTableSizeV2(table_handle=table).numpy() == 1
    keys, values = raw.LookupTableExportV2(table_handle=table, Tkeys="int64", Tvalues="float32")
    assert (keys.numpy().tolist(), values.numpy().tolist()) == ([1], [2.0])


def tensor_list(*numbers):
    return raw.TensorListFromTensor(tensor=np.int32(numbers), element_shape=np.array([], np.int32))


def stacked(handle):
    shape = np.array([], np.int32)
    return raw.TensorListStack(handle, shape, element_dtype="int32").numpy().tolist()


def test_values_may_be_variants():
    table = raw.MutableDenseHashTableV2(np.int64(-1), np.int64(-2), value_dtype="variant")
    both = raw.Pack(values=[tensor_list(3), tensor_list(4, 5)])
    raw.LookupTableInsertV2(table_handle=table, keys=np.int64(1), values=tensor_list(1, 2))
    raw.LookupTableInsertV2(table_handle=table, keys=np.array([5, 6]), values=both)
    find = lambda keys: raw.LookupTableFindV2(table, keys, tensor_list())  # noqa: E731
    assert stacked(find(np.int64(1))) == [1, 2] and stacked(find(np.int64(9))) == []
    found = raw.Unpack(value=find(np.array([5, 7, 6])), num=3)
    assert [stacked(handle) for handle in found] == [[3], [], [4, 5]]


def test_tables_of_one_name_have_the_same_types():
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        handles = [
            tf.raw_ops.MutableHashTableV2(key_dtype=tf.int64, value_dtype=dtype, shared_name="t")
            for dtype in (tf.float32, tf.int32)
        ]
        first, second = (tf.raw_ops.LookupTableSizeV2(table_handle=handle) for handle in handles)
        assert session.run(first) == 0
        with pytest.raises(
            tf.errors.InvalidArgumentError, match="int64->float32 with int64->int32"
        ):
            session.run(second)


def test_lines_of_vocabularies_lose_one_carriage_return(tmp_path):
    path = tmp_path / "words"
    path.write_bytes(b"a\rb\r\nc\r\r\nd\n")
    by_line, number = tf.lookup.TextFileIndex.WHOLE_LINE, tf.lookup.TextFileIndex.LINE_NUMBER
    words = tf.lookup.TextFileInitializer(str(path), tf.string, by_line, tf.int64, number)
    found = tf.lookup.StaticHashTable(words, -1).lookup([b"a\rb", b"c", b"c\r", b"d"])
    assert found.numpy().tolist() == [0, -1, 1, 2]
