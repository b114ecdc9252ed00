"""Workers that save before one of them is taken away."""

import pytest

from tests.harness.processes import launched, needs_mpi, of_ranks

pytestmark = pytest.mark.timed

PROGRAM = """
    import os, signal, sys
    import penstock as tf
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    rank = strategy.cluster_resolver.task_id
    with strategy.scope():
        v = tf.Variable(0.0)
    make = tf.distribute.experimental.PreemptionCheckpointHandler
    handler = make(strategy.cluster_resolver, tf.train.Checkpoint(v=v), sys.argv[1])

    @tf.function
    def step():
        def replica():
            v.assign_add(tf.distribute.get_replica_context().all_reduce("SUM", 1.0))
        strategy.run(replica)

    print("begins", handler.total_run_calls, v.numpy(), flush=True)
    while handler.total_run_calls < 12:
        handler.run(step)
        if rank == 1 and handler.total_run_calls == 7:
            os.kill(os.getpid(), signal.SIGTERM)
    print("ends", handler.total_run_calls, v.numpy(), flush=True)
    try:
        make(strategy.cluster_resolver, tf.train.Checkpoint(v=v), sys.argv[1] if rank else sys.argv[1] + "other")
    except tf.errors.FailedPreconditionError as error:
        print("find different checkpoints" in str(error))
"""


@needs_mpi
def test_all_workers_save_the_step_at_which_one_is_told_to_end(tmp_path):
    folder = tmp_path / "checkpoints"
    first = launched(PROGRAM, tmp_path, 2, arguments=[str(folder)], check=False)
    assert first.returncode == 42, first.stderr
    assert sorted(file.name for file in folder.glob("ckpt*")) == [
        "ckpt-1.data-00000-of-00001",
        "ckpt-1.index",
    ]
    again = launched(PROGRAM, tmp_path, 2, arguments=[str(folder)])
    lines = ["begins 7 14.0", "ends 12 24.0", "True"]
    assert of_ranks(again) == {0: lines, 1: lines}
