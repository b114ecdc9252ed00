"""Resources and variants for ops that take handles, made by raw ops of the TensorFlow or Penstock that is given."""

from typing import Any


def make(tf: Any, kind: str) -> Any:
    """A new resource or variant: of a kind of `KINDS`, or "variable float32 2 3", a variable of that type and shape."""
    if kind.startswith("variable "):
        _, dtype, *sizes = kind.split()
        return _variable(dtype, [int(size) for size in sizes])(tf, tf.raw_ops)
    return KINDS[kind](tf, tf.raw_ops)


def _variable(dtype: str, shape: list[int], value: Any = 1) -> Any:
    def made(tf: Any, raw: Any) -> Any:
        handle = raw.VarHandleOp(dtype=dtype, shape=shape, shared_name=_fresh("variable"))
        raw.AssignVariableOp(resource=handle, value=tf.cast(tf.fill(shape, value), dtype))
        return handle

    return made


_count = 0


def _fresh(kind: str) -> str:
    global _count
    _count += 1
    return f"fuzz_{kind}_{_count}"


def _queue(tf: Any, raw: Any) -> Any:
    queue = raw.FIFOQueueV2(
        component_types=["float32"], shapes=[[2]], capacity=10, shared_name=_fresh("queue")
    )
    raw.QueueEnqueueV2(handle=queue, components=[tf.ones([2])])
    return queue


def _table(tf: Any, raw: Any) -> Any:
    table = raw.HashTableV2(key_dtype="string", value_dtype="int64", shared_name=_fresh("table"))
    raw.LookupTableImportV2(
        table_handle=table, keys=["a", "b"], values=tf.constant([1, 2], "int64")
    )
    return table


def _mutable_table(tf: Any, raw: Any) -> Any:
    table = raw.MutableHashTableV2(
        key_dtype="int64", value_dtype="float32", shared_name=_fresh("table")
    )
    raw.LookupTableInsertV2(
        table_handle=table, keys=tf.constant([1, 2], "int64"), values=[1.0, 2.0]
    )
    return table


def _dense_table(tf: Any, raw: Any) -> Any:
    return raw.MutableDenseHashTableV2(
        empty_key=tf.constant(-1, "int64"), deleted_key=tf.constant(-2, "int64"), value_dtype="float32",
        shared_name=_fresh("table"),
    )  # fmt: skip


def _array(tf: Any, raw: Any) -> Any:
    handle, _ = raw.TensorArrayV3(
        size=3, dtype="float32", dynamic_size=True, clear_after_read=False
    )
    raw.TensorArrayWriteV3(handle=handle, index=0, value=[1.0, 2.0], flow_in=0.0)
    return handle


def _stack(tf: Any, raw: Any) -> Any:
    handle = raw.StackV2(max_size=5, elem_type="float32", stack_name=_fresh("stack"))
    raw.StackPushV2(handle=handle, elem=[1.0, 2.0])
    return handle


def _dataset(tf: Any, raw: Any) -> Any:
    return raw.RangeDataset(
        start=tf.constant(0, "int64"), stop=tf.constant(5, "int64"), step=tf.constant(1, "int64"),
        output_types=["int64"], output_shapes=[[]],
    )  # fmt: skip


def _tensors(tf: Any, raw: Any) -> Any:
    return raw.TensorSliceDataset(
        components=[tf.reshape(tf.range(6.0), [3, 2])], output_shapes=[[2]]
    )


def _strings(tf: Any, raw: Any) -> Any:
    return raw.TensorSliceDataset(components=[tf.constant(["a", "bc", ""])], output_shapes=[[]])


def _iterator(tf: Any, raw: Any) -> Any:
    iterator = raw.AnonymousIteratorV3(output_types=["int64"], output_shapes=[[]])
    raw.MakeIterator(dataset=_dataset(tf, raw), iterator=iterator)
    return iterator


def _list(tf: Any, raw: Any) -> Any:
    return raw.TensorListFromTensor(tensor=tf.reshape(tf.range(6.0), [3, 2]), element_shape=[2])


def _map(tf: Any, raw: Any) -> Any:
    made = raw.EmptyTensorMap()
    return raw.TensorMapInsert(input_handle=made, key="k", value=[1.0, 2.0])


def _optional(tf: Any, raw: Any) -> Any:
    return raw.OptionalFromValue(components=[tf.constant([1.0, 2.0])])


def _ragged(tf: Any, raw: Any) -> Any:
    return raw.RaggedTensorToVariant(
        rt_nested_splits=[tf.constant([0, 2, 3], "int64")],
        rt_dense_values=[1.0, 2.0, 3.0],
        batched_input=False,
    )


def _csr(tf: Any, raw: Any) -> Any:
    return raw.SparseTensorToCSRSparseMatrix(
        indices=tf.constant([[0, 0], [1, 1]], "int64"),
        values=[1.0, 2.0],
        dense_shape=tf.constant([2, 2], "int64"),
    )


def _seeds(tf: Any, raw: Any) -> Any:
    handle, _ = raw.AnonymousSeedGenerator(
        seed=tf.constant(1, "int64"), seed2=tf.constant(2, "int64"), reshuffle=True
    )
    return handle


def _reader(tf: Any, raw: Any) -> Any:
    return raw.IdentityReaderV2(shared_name=_fresh("reader"))


def _accumulator(tf: Any, raw: Any) -> Any:
    return raw.ResourceConditionalAccumulator(
        dtype="float32", shape=[2], shared_name=_fresh("accumulator")
    )


def _mutex(tf: Any, raw: Any) -> Any:
    return raw.MutexV2(shared_name=_fresh("mutex"))


def _writer(tf: Any, raw: Any) -> Any:
    return raw.SummaryWriter(shared_name=_fresh("writer"))


KINDS = {
    "variable": _variable("float32", [2, 3]),
    "vector": _variable("float32", [3]),
    "scalar": _variable("float32", []),
    "doubles": _variable("float64", [2, 3]),
    "integers": _variable("int32", [3]),
    "longs": _variable("int64", [3]),
    "bytes": _variable("uint8", [5]),
    "flag": _variable("bool", [], True),
    "queue": _queue,
    "table": _table,
    "mutable_table": _mutable_table,
    "dense_table": _dense_table,
    "array": _array,
    "stack": _stack,
    "dataset": _dataset,
    "dataset_of_vectors": _tensors,
    "dataset_of_strings": _strings,
    "iterator": _iterator,
    "list": _list,
    "map": _map,
    "optional": _optional,
    "ragged": _ragged,
    "csr": _csr,
    "seeds": _seeds,
    "reader": _reader,
    "accumulator": _accumulator,
    "mutex": _mutex,
    "writer": _writer,
}
