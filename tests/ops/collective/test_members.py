"""Collective ops of the processes of a cluster."""

from tests.harness.processes import launched, needs_mpi, of_ranks

pytestmark = needs_mpi

PROGRAM = """
    import numpy as np
    import penstock as tf

    raw = tf.raw_ops
    rank = tf.distribute.MultiWorkerMirroredStrategy().cluster_resolver.task_id
    size = 3
    keys = dict(group_size=size, group_key=1, instance_key=1)
    own = np.float32([1, 2, 4]) * (rank + 1)
    counts = np.arange(6, dtype=np.int64) + 10 * rank

    def equal(made, expected):
        made = made.numpy()
        assert made.dtype == np.asarray(expected).dtype, (made.dtype, np.asarray(expected).dtype)
        np.testing.assert_array_equal(made, expected)

    def reduce(x, merge, final="Id"):
        return raw.CollectiveReduceV2(
            input=x, ordering_token=[], merge_op=merge, final_op=final, **keys)

    def exchanges(x, n):
        given = dict(ordering_token=[], **keys)
        made = {merge: reduce(x, merge) for merge in ("Add", "Mul", "Min", "Max")}
        made["mean"] = reduce(x, "Add", "Div")
        made["gather"] = raw.CollectiveGatherV2(input=x, **given)
        made["scatter"] = raw.CollectiveReduceScatterV2(
            input=n, merge_op="Add", final_op="Id", **given)
        made["all to all"] = raw.CollectiveAllToAllV2(input=x, **given)
        if rank == 1:
            made["broadcast"] = raw.CollectiveBcastSendV2(input=x, **keys)
        else:
            made["broadcast"] = raw.CollectiveBcastRecvV2(T=tf.float32, shape=[3], **keys)
        return made

    def check(made):
        equal(made["Add"], np.float32([6, 12, 24]))
        equal(made["Mul"], np.float32([6, 48, 384]))
        equal(made["Min"], np.float32([1, 2, 4]))
        equal(made["Max"], np.float32([3, 6, 12]))
        equal(made["mean"], np.float32([2, 4, 8]))
        equal(made["gather"], np.float32([1, 2, 4, 2, 4, 8, 3, 6, 12]))
        equal(made["scatter"], 3 * np.arange(6)[2 * rank : 2 * rank + 2] + 30)
        equal(made["all to all"], np.float32([1, 2, 3]) * 2**rank)
        equal(made["broadcast"], np.float32([2, 4, 8]))

    check(exchanges(own, counts))
    check(tf.function(exchanges)(tf.constant(own), tf.constant(counts)))

    half = reduce(tf.constant(own, tf.bfloat16), "Add")
    assert half.dtype == tf.bfloat16 and half.numpy().astype(float).tolist() == [6, 12, 24]

    communicator = raw.CollectiveInitializeCommunicator(group_key=5, rank=rank, group_size=size)
    order = [2, 0, 1]
    sums = raw.CollectiveReduceV3(
        input=own, communicator=communicator, group_assignment=[order], reduction="Add")
    equal(sums, np.float32([6, 12, 24]))
    parts = raw.CollectiveAllToAllV3(
        input=own, communicator=communicator, group_assignment=[order])
    equal(parts, np.float32([3, 1, 2]) * 2 ** order.index(rank))

    for wrong, error, text in (
        (lambda: reduce(np.zeros(2 + rank, np.float32), "Add"), "InvalidArgumentError", "Shape mismatch"),
        (lambda: reduce(own, "Add" if rank else "Max"), "InternalError", "different exchanges"),
        (lambda: raw.CollectiveBcastRecvV2(T=tf.int32, shape=[2], **keys), "InternalError", "one source"),
        (lambda: raw.CollectiveGatherV2(input=own, ordering_token=[], group_size=2, group_key=1,
            instance_key=1), "UnimplementedError", "group of 2 of the 3 processes"),
    ):
        try:
            wrong()
        except tf.errors.OpError as raised:
            assert type(raised).__name__ == error and text in str(raised), raised
        else:
            raise AssertionError(error)
    check(exchanges(own, counts))
    print("right")
"""


def test_exchanges_of_three_processes(tmp_path):
    assert of_ranks(launched(PROGRAM, tmp_path, 3)) == {rank: ["right"] for rank in range(3)}
