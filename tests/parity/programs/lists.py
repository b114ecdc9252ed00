"""Lists, maps and arrays of tensors."""

import numpy as np

from tests.parity.programs import in_session

ROWS = np.arange(8, dtype=np.float32).reshape(4, 2)


def _stack(tf, handle, shape=(-1,), dtype=None):
    return tf.raw_ops.TensorListStack(
        input_handle=handle,
        element_shape=np.array(shape, np.int32),
        element_dtype=dtype or tf.float32,
    )


def lists_from_rows(tf, tmp):
    raw, two = tf.raw_ops, np.array([2], np.int32)
    whole = raw.TensorListFromTensor(tensor=ROWS, element_shape=two)
    spread = raw.TensorListScatterV2(
        tensor=ROWS, indices=[4, 1, 0, 2], element_shape=two, num_elements=6
    )
    older = raw.TensorListScatter(tensor=ROWS[:2], indices=[1, 0], element_shape=two)
    parts = raw.TensorListSplit(
        tensor=np.concatenate([ROWS, ROWS[:2]]),
        element_shape=np.array([-1, 2], np.int32),
        lengths=np.array([1, 3, 2], np.int64),
    )
    again = raw.TensorListScatterIntoExistingList(
        input_handle=whole, tensor=-ROWS[:2], indices=[3, 0]
    )
    return [
        raw.TensorListElementShape(input_handle=whole, shape_type=tf.int64),
        raw.TensorListGather(input_handle=whole, indices=[2, 0], element_shape=two, element_dtype=tf.float32),
        raw.TensorListLength(input_handle=spread),
        raw.TensorListGetItem(input_handle=spread, index=3, element_shape=two, element_dtype=tf.float32),
        _stack(tf, spread, [2]),
        _stack(tf, older, [2]),
        [
            raw.TensorListGetItem(
                input_handle=parts, index=i, element_shape=np.array([-1, 2], np.int32), element_dtype=tf.float32
            )
            for i in range(3)
        ],
        _stack(tf, again, [2]),
        _stack(tf, whole, [2]),
    ]  # fmt: skip


def lists_joined(tf, tmp):
    raw = tf.raw_ops
    lengths = np.array([1, 3], np.int64)
    parts = raw.TensorListSplit(
        tensor=ROWS, element_shape=np.array([-1, 2], np.int32), lengths=lengths
    )
    shape, none = np.array([-1, 2], np.int32), np.zeros(0, np.int64)
    one, two = (
        raw.TensorListFromTensor(tensor=v, element_shape=np.array([2], np.int32))
        for v in (ROWS[:1], ROWS[1:])
    )
    both = raw.TensorListConcatLists(
        input_a=tf.stack([one, two]), input_b=tf.stack([two, one]), element_dtype=tf.float32
    )
    return [
        list(raw.TensorListConcat(input_handle=parts, element_dtype=tf.float32)),
        list(
            raw.TensorListConcatV2(
                input_handle=parts, element_shape=shape, leading_dims=none, element_dtype=tf.float32
            )
        ),
        [_stack(tf, both[i], [2]) for i in range(2)],
    ]


def lists_that_grow(tf, tmp):
    raw = tf.raw_ops
    empty = raw.EmptyTensorList(element_shape=-1, max_num_elements=3, element_dtype=tf.float32)
    first = raw.TensorListPushBack(input_handle=empty, tensor=[1.0, 2.0])
    second = raw.TensorListPushBack(input_handle=first, tensor=[3.0, 4.0])
    popped = raw.TensorListPopBack(input_handle=second, element_shape=-1, element_dtype=tf.float32)
    batch = raw.TensorListPushBackBatch(input_handles=tf.stack([first, empty]), tensor=ROWS[:2])
    try:
        third = raw.TensorListPushBack(input_handle=second, tensor=[5.0, 6.0])
        raw.TensorListPushBack(input_handle=third, tensor=[7.0, 8.0])
        full = b"took too many"
    except tf.errors.InvalidArgumentError:
        full = b"refused"
    sized = raw.TensorListResize(input_handle=second, size=3)
    return [
        [raw.TensorListLength(input_handle=x) for x in (empty, first, second, popped[0], sized)],
        popped[1],
        [_stack(tf, batch[i], [2]) for i in range(2)],
        full,
    ]


def maps(tf, tmp):
    raw = tf.raw_ops
    empty = raw.EmptyTensorMap()
    one = raw.TensorMapInsert(input_handle=empty, key=3.0, value=[1.0, 2.0])
    two = raw.TensorMapInsert(input_handle=one, key=5.0, value=[7.0])
    less = raw.TensorMapErase(input_handle=two, key=3.0, value_dtype=tf.float32)
    keys = raw.TensorMapStackKeys(input_handle=two, key_dtype=tf.float32)
    return [
        [raw.TensorMapSize(input_handle=x) for x in (empty, one, two, less)],
        [raw.TensorMapHasKey(input_handle=x, key=3.0) for x in (empty, two, less)],
        raw.TensorMapLookup(input_handle=two, key=5.0, value_dtype=tf.float32),
        sorted(keys.numpy().tolist()),
    ]


def arrays(tf, tmp):
    raw = tf.raw_ops

    def build():
        array = raw.TensorArrayV3(size=4, dtype=tf.float32, element_shape=[2])
        spread = raw.TensorArrayScatterV3(
            handle=array.handle, indices=[3, 1, 0, 2], value=ROWS, flow_in=array.flow
        )
        grad = raw.TensorArrayGradV3(handle=array.handle, flow_in=spread, source="gradients")
        filled = raw.TensorArrayWriteV3(
            handle=grad.grad_handle, index=1, value=[5.0, 5.0], flow_in=grad.flow_out
        )
        summed = raw.TensorArrayWriteV3(
            handle=grad.grad_handle, index=1, value=[1.0, 2.0], flow_in=filled
        )
        return [
            raw.TensorArrayGatherV3(
                handle=array.handle, indices=[1, 0], flow_in=spread, dtype=tf.float32
            ),
            raw.TensorArrayReadV3(handle=array.handle, index=2, flow_in=spread, dtype=tf.float32),
            raw.TensorArraySizeV3(handle=array.handle, flow_in=spread),
            list(raw.TensorArrayConcatV3(handle=array.handle, flow_in=spread, dtype=tf.float32)),
            raw.TensorArrayReadV3(
                handle=grad.grad_handle, index=1, flow_in=summed, dtype=tf.float32
            ),
        ]

    return in_session(tf, build)


def arrays_of_pieces(tf, tmp):
    raw = tf.raw_ops

    def build():
        array = raw.TensorArrayV3(size=2, dtype=tf.float32)
        flow = raw.TensorArraySplitV3(
            handle=array.handle, value=ROWS, lengths=np.array([1, 3], np.int64), flow_in=array.flow
        )
        read = [
            raw.TensorArrayReadV3(handle=array.handle, index=i, flow_in=flow, dtype=tf.float32)
            for i in range(2)
        ]
        with tf.control_dependencies(read):
            closed = raw.TensorArrayCloseV3(handle=array.handle)
        return [read, lambda s: s.run(closed) or b"closed"]

    return in_session(tf, build)


def arrays_of_gradients_with_shapes(tf, tmp):
    raw = tf.raw_ops

    def build():
        array = raw.TensorArrayV3(size=2, dtype=tf.float32)
        flow = raw.TensorArrayScatterV3(
            handle=array.handle, indices=[0, 1], value=ROWS[:2], flow_in=array.flow
        )
        grad = raw.TensorArrayGradWithShape(
            handle=array.handle, flow_in=flow, shape_to_prepend=[3], source="g"
        )
        wrote = raw.TensorArrayWriteV3(
            handle=grad.grad_handle,
            index=0,
            value=np.ones((3, 2), np.float32),
            flow_in=grad.flow_out,
        )
        return [
            raw.TensorArrayReadV3(handle=grad.grad_handle, index=0, flow_in=wrote, dtype=tf.float32)
        ]

    return in_session(tf, build)
