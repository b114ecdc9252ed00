"""Variables, tables, queues, and what belongs to sessions."""

import numpy as np

from tests.fuzz.advisories.case import calls, f32, i32, i64, none, raw, text

_HELD = []


def _variable(tf, value):
    """The handle of a variable that lives as long as the process."""
    _HELD.append(tf.Variable(value))
    return _HELD[-1].handle


CASES = (
    calls("CVE-2021-37653", "ResourceGather", lambda tf: tf.raw_ops.ResourceGather(resource=_variable(tf, tf.ones([0, 2])), indices=[0], dtype=tf.float32)),
    calls("CVE-2021-37654", "ResourceGather", lambda tf: tf.raw_ops.ResourceGather(resource=_variable(tf, tf.ones([2, 2])), indices=[7], dtype=tf.float32, batch_dims=5)),
    calls("CVE-2021-37655", "ResourceScatterUpdate", lambda tf: tf.raw_ops.ResourceScatterUpdate(resource=_variable(tf, tf.ones([2, 2])), indices=[7], updates=tf.ones([1, 2]))),
    calls("CVE-2021-37655", "ResourceScatterUpdate", lambda tf: tf.raw_ops.ResourceScatterUpdate(resource=_variable(tf, tf.ones([2, 2])), indices=[0, 1], updates=tf.ones([3]))),
    calls("CVE-2021-37642", "ResourceScatterDiv", lambda tf: tf.raw_ops.ResourceScatterDiv(resource=_variable(tf, tf.ones([2], tf.int32)), indices=[0], updates=tf.constant([0]))),
    calls("CVE-2022-29207", "ReadVariableOp", lambda tf: tf.raw_ops.ReadVariableOp(resource=tf.raw_ops.VarHandleOp(dtype=tf.float32, shape=[2], shared_name="never"), dtype=tf.float32)),
    calls("CVE-2022-29207", "LookupTableFindV2", lambda tf: tf.raw_ops.LookupTableFindV2(table_handle=_variable(tf, tf.ones([2])), keys=[1], default_value=1)),
    calls("CVE-2023-25672", "LookupTableImportV2", lambda tf: tf.raw_ops.LookupTableImportV2(table_handle=tf.lookup.experimental.MutableHashTable(tf.int32, tf.int32, -1).resource_handle, keys=tf.ones([2, 2], tf.int32), values=1)),
    calls("CVE-2023-25672", "LookupTableImportV2", lambda tf: tf.raw_ops.LookupTableImportV2(table_handle=tf.lookup.experimental.MutableHashTable(tf.int32, tf.int32, -1).resource_handle, keys=tf.constant([1, 2]), values=tf.constant([1]))),
    raw("CVE-2020-15204", "GetSessionTensor", handle=text("a"), dtype="float32"),
    raw("CVE-2022-29191", "GetSessionTensor", handle=text(["a", "b"]), dtype="float32"),
    raw("CVE-2022-29194", "DeleteSessionTensor", handle=text(["a", "b"])),
    raw("CVE-2021-29518", "GetSessionHandleV2", value=f32(2)),
    raw("CVE-2021-29518", "DeleteSessionTensor", handle=text("")),
    raw("CVE-2022-21732", "ThreadPoolHandle", num_threads=0x60000000, display_name="tf"),
    raw("CVE-2021-37673", "MapStage", key=i64(0), indices=none(0, dtype="int32"), values=[f32()], dtypes=["float32"], capacity=0, memory_limit=0),
    raw("CVE-2022-21734", "MapStage", key=none(0, dtype="int64"), indices=i32([6]), values=[f32()], dtypes=["float32"], capacity=0, memory_limit=0),
    raw("CVE-2022-21734", "OrderedMapStage", key=i64([1, 2]), indices=i32([0]), values=[f32()], dtypes=["float32"], capacity=0, memory_limit=0),
    raw("CVE-2021-37671", "MapPeek", key=none(0, dtype="int64"), indices=i32([0]), dtypes=["float32"], capacity=0, memory_limit=0),
    raw("CVE-2022-29195", "StagePeek", index=none(0, dtype="int32"), dtypes=["float32"], capacity=0, memory_limit=0),
    raw("CVE-2020-15190", "Switch", data=none(0), pred=np.array([True, False])),
    calls("CVE-2021-41206", "QueueEnqueueManyV2", lambda tf: tf.raw_ops.QueueEnqueueManyV2(handle=tf.queue.FIFOQueue(3, [tf.float32, tf.float32]).queue_ref, components=[tf.ones([2]), tf.ones([3])])),
    calls("CVE-2021-41206", "QueueDequeueManyV2", lambda tf: tf.raw_ops.QueueDequeueManyV2(handle=tf.queue.FIFOQueue(3, [tf.float32]).queue_ref, n=-4, component_types=[tf.float32])),
    calls("CVE-2022-41908", "PyFunc", lambda tf: tf.raw_ops.PyFunc(input=[1.0], token="no such function", Tout=[tf.float32])),
    calls("CVE-2022-23573", "ResourceApplyGradientDescent", lambda tf: tf.raw_ops.ResourceApplyGradientDescent(var=_variable(tf, tf.ones([2])), alpha=0.1, delta=tf.ones([3]))),
    calls("CVE-2022-23573", "ResourceApplyAdam", lambda tf: tf.raw_ops.ResourceApplyAdam(var=_variable(tf, tf.ones([2])), m=_variable(tf, tf.ones([3])), v=_variable(tf, tf.ones([2])), beta1_power=0.1, beta2_power=0.1, lr=0.1, beta1=0.1, beta2=0.1, epsilon=0.1, grad=tf.ones([2]))),
    calls("CVE-2022-35952", "UnbatchGrad", lambda tf: tf.raw_ops.UnbatchGrad(original_input=tf.ones([2]), batch_index=tf.constant([1], tf.int64), grad=tf.ones([1]), id=tf.constant([1, 2], tf.int64))),
    calls("CVE-2022-36002", "Unbatch", lambda tf: tf.raw_ops.Unbatch(batched_tensor=tf.ones([2]), batch_index=tf.constant([[0, 0, 9]], tf.int64), id=tf.constant([1, 2], tf.int64), timeout_micros=1)),
    raw("CVE-2022-35994", "CollectiveGather", input=f32(2), group_size=1, group_key=7, instance_key=7, shape=[0], communication_hint="auto"),
    raw("CVE-2021-41220", "CollectiveReduceV2", input=f32(2), group_size=i32([]), group_key=i32(-1), instance_key=i32(-1), ordering_token=[], merge_op="Mul", final_op="Div"),
    calls("CVE-2021-41204", "constant", lambda tf: tf.constant(np.array([object()]))),
    calls("CVE-2022-29205", "compat.v1.quantize_and_dequantize", lambda tf: tf.compat.v1.quantization.quantize_and_dequantize([2.5], "a", 1.0)),
    calls("CVE-2021-41213", "function", lambda tf: _mutual(tf)),
    calls("CVE-2022-41889", "function", lambda tf: tf.function(lambda x: x)(None)),
    calls("CVE-2020-15191", "experimental.dlpack.to_dlpack", lambda tf: tf.experimental.dlpack.to_dlpack([2])),
    calls("CVE-2020-15192", "experimental.dlpack.to_dlpack", lambda tf: tf.experimental.dlpack.to_dlpack(tf.constant(["a"]))),
    calls("CVE-2020-15193", "experimental.dlpack.from_dlpack", lambda tf: tf.experimental.dlpack.from_dlpack("no capsule")),
)  # fmt: skip


def _mutual(tf):
    @tf.function
    def first(n):
        return tf.constant(1) if n == 0 else second(n - 1)

    @tf.function
    def second(n):
        return tf.constant(2) if n == 0 else first(n - 1)

    return first(3)
