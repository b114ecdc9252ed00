"""Queues, barriers, accumulators, staging areas and stacks."""

import numpy as np

from tests.parity.programs import in_session

FLOATS = np.arange(6, dtype=np.float32)


def queues_of_resources(tf, tmp):
    raw, made = tf.raw_ops, []
    queue = raw.FIFOQueueV2(
        component_types=[tf.float32, tf.string], shapes=[[], []], shared_name="fifo"
    )
    raw.QueueEnqueueV2(handle=queue, components=[np.float32(1.0), b"one"])
    raw.QueueEnqueueManyV2(handle=queue, components=[FLOATS[:3], np.array([b"x", b"y", b"z"])])
    types = {"component_types": [tf.float32, tf.string]}
    made.append(raw.QueueDequeueV2(handle=queue, **types))
    made.append(raw.QueueDequeueManyV2(handle=queue, n=2, **types))
    made.append(raw.QueueSizeV2(handle=queue))
    raw.QueueCloseV2(handle=queue)
    made.append(raw.QueueDequeueUpToV2(handle=queue, n=5, **types))
    return [*made, raw.QueueIsClosedV2(handle=queue)]


def padding_and_priorities(tf, tmp):
    raw = tf.raw_ops
    padding = raw.PaddingFIFOQueueV2(
        component_types=[tf.int32], shapes=[[None]], shared_name="padded"
    )
    for values in ([1], [2, 3, 4], [5, 6]):
        raw.QueueEnqueueV2(handle=padding, components=[np.array(values, np.int32)])
    ranked = raw.PriorityQueueV2(component_types=[tf.string], shapes=[[]], shared_name="ranked")
    for rank, name in ((3, b"late"), (1, b"early"), (2, b"middle")):
        raw.QueueEnqueueV2(handle=ranked, components=[np.int64(rank), name])
    return [
        raw.QueueDequeueManyV2(handle=padding, n=3, component_types=[tf.int32]),
        [
            raw.QueueDequeueV2(handle=ranked, component_types=[tf.int64, tf.string])
            for _ in range(3)
        ],
    ]


def shuffled_queue_gives_all(tf, tmp):
    raw = tf.raw_ops
    queue = raw.RandomShuffleQueueV2(
        component_types=[tf.float32],
        shapes=[[]],
        min_after_dequeue=0,
        seed=3,
        seed2=4,
        shared_name="mixed",
    )
    raw.QueueEnqueueManyV2(handle=queue, components=[FLOATS])
    out = raw.QueueDequeueManyV2(handle=queue, n=6, component_types=[tf.float32])
    return sorted(out[0].numpy().tolist())


def queues_by_reference(tf, tmp):
    raw = tf.raw_ops

    def build():
        queue = raw.FIFOQueue(component_types=[tf.float32], shapes=[[]], shared_name="by reference")
        many = raw.QueueEnqueueMany(handle=queue, components=[FLOATS])
        one = raw.QueueEnqueue(handle=queue, components=[9.0])
        close = raw.QueueClose(handle=queue)
        types = {"component_types": [tf.float32]}
        return [
            lambda s: s.run([many, one]) and b"in",
            raw.QueueDequeue(handle=queue, **types),
            raw.QueueDequeueMany(handle=queue, n=3, **types),
            raw.QueueSize(handle=queue),
            raw.QueueIsClosed(handle=queue),
            lambda s: s.run([close]) and b"closed",
            raw.QueueDequeueUpTo(handle=queue, n=9, **types),
            raw.QueueIsClosed(handle=queue),
        ]

    return in_session(tf, build)


def barriers(tf, tmp):
    raw = tf.raw_ops

    def build():
        barrier = raw.Barrier(component_types=[tf.float32, tf.int32], shapes=[[], []])
        first = raw.BarrierInsertMany(
            handle=barrier, keys=["a", "b"], values=[1.0, 2.0], component_index=0
        )
        second = raw.BarrierInsertMany(handle=barrier, keys=["b"], values=[7], component_index=1)
        taken = raw.BarrierTakeMany(
            handle=barrier, num_elements=1, component_types=[tf.float32, tf.int32]
        )
        close = raw.BarrierClose(handle=barrier, cancel_pending_enqueues=False)
        return [
            lambda s: s.run([first]) and b"first",
            raw.BarrierIncompleteSize(handle=barrier),
            lambda s: s.run([second]) and b"second",
            raw.BarrierReadySize(handle=barrier),
            [taken.indices, taken.keys, taken.values],
            lambda s: s.run([close]) and b"closed",
        ]

    return in_session(tf, build)


def accumulators(tf, tmp):
    raw = tf.raw_ops

    def build():
        sums = raw.ConditionalAccumulator(dtype=tf.float32, shape=[2], shared_name="means")
        add = [
            raw.AccumulatorApplyGradient(handle=sums, local_step=np.int64(step), gradient=values)
            for step, values in ((0, [1.0, 2.0]), (0, [3.0, 6.0]), (-1, [99.0, 99.0]))
        ]
        step = raw.AccumulatorSetGlobalStep(handle=sums, new_global_step=np.int64(0))
        return [
            lambda s: s.run([step]) and b"step",
            lambda s: s.run(add) and b"applied",
            raw.AccumulatorNumAccumulated(handle=sums),
            raw.AccumulatorTakeGradient(handle=sums, num_required=1, dtype=tf.float32),
            raw.AccumulatorNumAccumulated(handle=sums),
        ]

    return in_session(tf, build)


def accumulators_of_resources(tf, tmp):
    raw = tf.raw_ops

    def build():
        total = raw.ResourceConditionalAccumulator(
            dtype=tf.float32, shape=[2], shared_name="sums", reduction_type="SUM"
        )
        add = [
            raw.ResourceAccumulatorApplyGradient(
                handle=total, local_step=np.int64(0), gradient=values
            )
            for values in ([1.0, 2.0], [3.0, 6.0])
        ]
        step = raw.ResourceAccumulatorSetGlobalStep(handle=total, new_global_step=np.int64(0))
        return [
            lambda s: s.run([step]) and b"step",
            lambda s: s.run(add) and b"applied",
            raw.ResourceAccumulatorNumAccumulated(handle=total),
            raw.ResourceAccumulatorTakeGradient(handle=total, num_required=2, dtype=tf.float32),
        ]

    return in_session(tf, build)


def accumulators_of_rows(tf, tmp):
    raw = tf.raw_ops

    def build():
        sums = raw.SparseConditionalAccumulator(dtype=tf.float32, shape=[4, 2], shared_name="rows")
        add = [
            raw.SparseAccumulatorApplyGradient(
                handle=sums, local_step=np.int64(0), gradient_indices=np.array(rows, np.int64),
                gradient_values=np.array(values, np.float32), gradient_shape=np.array([4, 2], np.int64),
                has_known_shape=True,
            )
            for rows, values in (([0, 2], [[1, 2], [3, 4]]), ([2, 3], [[5, 6], [7, 8]]))
        ]  # fmt: skip
        return [
            lambda s: s.run(add) and b"applied",
            list(raw.SparseAccumulatorTakeGradient(handle=sums, num_required=2, dtype=tf.float32)),
        ]

    return in_session(tf, build)


def _staging(tf, prefix):
    raw = tf.raw_ops

    def op(name, **kwargs):
        return getattr(raw, prefix + name)(
            dtypes=[tf.float32, tf.int32], shared_name=prefix + "area", **kwargs
        )

    def build():
        both = np.array([0, 1], np.int32)
        put = [
            op(
                "Stage",
                key=np.int64(key),
                indices=both,
                values=[np.float32(key * 1.5), np.int32(key)],
            )
            for key in (7, 3)
        ]
        part = op("Stage", key=np.int64(5), indices=both[:1], values=[np.float32(0.5)])
        return [
            lambda s: s.run(put) and b"staged",
            op("Size"),
            op("Peek", key=np.int64(3), indices=both),
            op("Unstage", key=np.int64(7), indices=both),
            lambda s: s.run(part) and b"staged a part",
            op("IncompleteSize"),
            list(op("UnstageNoKey", indices=both)),
            op("Size"),
            lambda s: s.run(op("Clear")) or b"cleared",
        ]

    return in_session(tf, build)


def staging_maps(tf, tmp):
    return _staging(tf, "Map")


def ordered_staging_maps(tf, tmp):
    return _staging(tf, "OrderedMap")


def staging_areas(tf, tmp):
    raw = tf.raw_ops
    area = {"dtypes": [tf.float32], "shared_name": "area"}

    def build():
        put = [raw.Stage(values=[np.float32(v)], shared_name="area") for v in (1.0, 2.0)]
        return [
            lambda s: [s.run(p) for p in put] and b"staged",
            raw.StageSize(**area),
            raw.StagePeek(index=1, **area),
            raw.Unstage(**area),
            lambda s: s.run(raw.StageClear(**area)) or b"cleared",
            raw.StageSize(**area),
        ]

    return in_session(tf, build)


def stacks(tf, tmp):
    raw = tf.raw_ops

    def build():
        stack = raw.StackV2(max_size=5, elem_type=tf.float32, stack_name="s")
        one = raw.StackPushV2(handle=stack, elem=[1.0, 2.0])
        with tf.control_dependencies([one]):
            two = raw.StackPushV2(handle=stack, elem=[3.0])
        with tf.control_dependencies([two]):
            top = raw.StackPopV2(handle=stack, elem_type=tf.float32)
        with tf.control_dependencies([top]):
            rest = raw.StackPopV2(handle=stack, elem_type=tf.float32)
        return [[top, rest]]

    return in_session(tf, build)
