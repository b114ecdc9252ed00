"""Sums over processes that compiled steps make themselves: when they begin, and that no failure hangs or mixes numbers."""

import pytest

from tests.harness.processes import launched, needs_mpi, of_ranks

pytestmark = [needs_mpi, pytest.mark.timed]

BEGIN = """
    import os, signal, threading, time
    import numpy as np
    import penstock as tf

    options = tf.distribute.experimental.CommunicationOptions(bytes_per_pack=PACK, timeout_seconds=TIMEOUT)
    strategy = tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)
    rank = strategy.cluster_resolver.task_id

    def total(*values):
        context = tf.distribute.get_replica_context()
        return context.all_reduce("SUM", list(values))

    def in_program(function):
        return tf.function(lambda *args: strategy.run(function, args))

    def said(call):
        try:
            return "gave " + str([x.numpy().tolist() for x in call()])
        except tf.errors.OpError as error:
            return f"{type(error).__name__}: {error}".replace("\\n", " ")
"""


def run(program, tmp_path, count=2, pack=0, timeout=0, environment=None, **options):
    begin = BEGIN.replace("PACK", str(pack)).replace("TIMEOUT", str(timeout))
    environment = {"PENSTOCK_VERIFY": "1", **(environment or {})}  # plans with exchanges
    return launched(begin + program, tmp_path, count, environment=environment, **options)


def test_gradients_are_exchanged_while_others_are_computed(tmp_path):
    program = """
    first, second = tf.Variable(np.eye(8, dtype=np.float32)), tf.Variable(np.eye(8, dtype=np.float32))

    @in_program
    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.tanh(tf.tanh(x @ first) @ second) ** 2)
        gradients = total(*tape.gradient(loss, [first, second]))
        for variable, gradient in zip((first, second), gradients):
            variable.assign_sub(0.1 * gradient)
        return loss

    x = tf.constant(np.float32(np.arange(64).reshape(8, 8) / 64 + rank))
    text = step.explain(x)
    names = [line.split()[1] for line in text.splitlines() if line.lstrip().startswith("k")][1:]
    kinds = {"all_reduce_start": "start", "all_reduce_wait": "wait", "product": "product"}
    print(" ".join(kinds[name] for name in (n.split("[")[0] for n in names) if name in kinds))
    """
    for (order,) in of_ranks(run(program, tmp_path, pack=1)).values():
        # The last layer's gradient travels while those before it are computed; both are waited for at the end.
        assert order == "product product product start product product start wait wait"


def test_a_rank_that_fails_in_a_step_fails_it_for_all_and_nobody_hangs(tmp_path):
    program = """
    table = tf.Variable([1.0, 2.0, 3.0])

    @in_program
    def step(index):
        (sums,) = total(tf.gather(table, index))
        table.assign_add(tf.fill([3], tf.reduce_sum(sums)))
        return [table.read_value()]

    print(said(lambda: step(tf.constant([1, 2]))))
    print(said(lambda: step(tf.constant([0, 7 if rank == 1 else 0]))))
    print(table.numpy().tolist())
    print(said(lambda: step(tf.constant([0, 0]))))
    """
    found = of_ranks(run(program, tmp_path, 3))
    for rank, (good, bad, after, again) in found.items():
        assert good == "gave [[16.0, 17.0, 18.0]]"
        said = "InvalidArgumentError: " if rank == 1 else "AbortedError: Rank 1 of 3 has failed"
        assert bad.startswith(said), bad
        assert after == "[16.0, 17.0, 18.0]" and again == "gave [[112.0, 113.0, 114.0]]"


def test_programs_and_hosts_meet_in_one_exchange_and_differences_are_errors(tmp_path):
    program = """
    compiled = in_program(total)
    ones = tf.ones([3]) * (rank + 1)
    on_host = lambda *values: strategy.run(total, values)
    both = compiled if rank else on_host
    print(said(lambda: both(ones, tf.constant([rank], tf.int64), tf.cast(ones, tf.bfloat16))))
    print(said(lambda: compiled(tf.ones([2 + rank]))))
    print(said(lambda: both(tf.ones([2 + rank]))))
    gather = lambda: [tf.distribute.get_replica_context().all_gather(ones, 0)]
    print(said(lambda: strategy.run(gather) if rank else compiled(ones)))
    print(said(lambda: compiled(ones) if rank else compiled(ones, ones)))
    print(said(lambda: compiled(ones)))
    """
    for lines in of_ranks(run(program, tmp_path)).values():
        assert lines[0] == "gave [[3.0, 3.0, 3.0], [1], [3.0, 3.0, 3.0]]"
        for line in (lines[1], lines[2], lines[4]):
            assert line.startswith("InvalidArgumentError: ") and "give different tensors" in line
        assert "rank 0: Add Id" in lines[1] and "float32[2]; rank 1:" in lines[1]
        assert lines[3].startswith("InternalError: ") and "different exchanges" in lines[3]
        assert lines[5] == "gave [[3.0, 3.0, 3.0]]"


def test_compressed_sums_are_rounded_to_bfloat16_and_equal_in_all_processes(tmp_path):
    program = """
    values = lambda rank, count: np.random.default_rng([rank, count]).normal(size=count).astype(np.float32)
    given = [tf.constant(values(rank, count)) for count in (20_001, 7)]
    compiled, eager = in_program(total)(*given), strategy.run(total, given)
    small = in_program(total)(given[1])
    whole = [sum(values(other, count) for other in range(3)) for count in (20_001, 7)]
    error = max(np.abs(a - b).max() for a, b in zip(compiled, whole))
    print(all(np.array_equal(a, b) for a, b in zip(compiled, eager)), 1e-3 < error < 4 * 4 / 256)
    print(np.allclose(small[0], whole[1], atol=1e-6), compiled[0].numpy().tobytes().hex()[:4000])
    """
    found = of_ranks(run(program, tmp_path, 3, environment={"PENSTOCK_COMPRESS_SUMS": "bfloat16"}))
    assert found[0][0] == "True True" and found[0][1].startswith("True ")
    assert found[0] == found[1] == found[2]


def test_what_nobody_reads_is_exchanged_as_well(tmp_path):
    program = """
    def reduced(x):
        return tf.raw_ops.CollectiveReduceV2(
            input=x, group_size=2, group_key=1, instance_key=1, ordering_token=[], merge_op="Add", final_op="Id")

    @tf.function
    def step(x):
        sums = reduced(x)
        return sums if rank else x

    print(said(lambda: [step(tf.ones([2]))]), said(lambda: [tf.function(reduced)(tf.ones([1]))]))
    """
    found = of_ranks(run(program, tmp_path))
    assert found == {
        0: ["gave [[1.0, 1.0]] gave [[2.0]]"],
        1: ["gave [[2.0, 2.0]] gave [[2.0]]"],
    }


def test_a_rank_that_stops_in_a_step_is_named(tmp_path):
    program = """
    @in_program
    def step(x, rounds):
        late = tf.while_loop(lambda i, v: i < rounds, lambda i, v: (i + 1, v * 0.5 + x), (0, x))[1]
        return total(x, late)

    x, one, endless = tf.ones([4]), tf.constant(1), tf.constant(2**31 - 1)
    step(x, one)
    if rank == 1:
        threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGSTOP)).start()
    print(said(lambda: step(x, endless if rank == 1 else one)), flush=True)
    print(said(lambda: step(x, one)), flush=True)
    os.abort()
    """
    patient = {"PENSTOCK_HEARTBEAT": "60"}  # so that it is the exchange that finds it
    done = run(program, tmp_path, pack=1, timeout=4, check=False, environment=patient)
    first, second = of_ranks(done)[0]
    assert first.startswith(
        "DeadlineExceededError: Rank 1 of 2 has not joined an exchange within 4 s"
    )
    assert second.startswith(
        "UnavailableError: The processes of the cluster can no longer exchange values"
    )
