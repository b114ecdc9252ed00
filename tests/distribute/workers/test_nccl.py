"""Processes with a GPU each exchange by NCCL, on its stand-in: with the numbers of the host's exchange, and without hanging when one fails."""

import json
import re
import signal

import numpy as np
import pytest

from tests.harness.processes import launched, needs_mpi, of_ranks
from tests.harness.tasks import needs_grpc, started

ON_GPUS = {"PENSTOCK_DEVICE": "GPU_emulated", "PENSTOCK_TENSOR_FLOAT_32": "0"}
BEGIN = """
    import contextlib, hashlib, json, os, signal, sys, time
    import numpy as np
    import penstock as tf
    from penstock._src.cluster.transports.table import connect
    from penstock._src.devices.gpu.emulator.device import DEVICE

    def strategy_of(implementation="AUTO", stage=0, pack=0):
        return tf.distribute.MultiWorkerMirroredStrategy(
            communication_options=tf.distribute.experimental.CommunicationOptions(pack, implementation=implementation),
            sharding_options=tf.distribute.experimental.ShardingOptions(stage=stage, smallest=16),
        )

    def total(*values, kind="SUM"):
        return tf.distribute.get_replica_context().all_reduce(kind, list(values))

    def in_program(function):
        return tf.function(lambda *args: strategy.run(function, args))

    def said(call):
        try:
            return "gave " + str([x.numpy().tolist() for x in call()])
        except tf.errors.OpError as error:
            return f"{type(error).__name__}: {error}".replace("\\n", " ")
"""

TRAINING = """
    rank, found = connect().cluster.rank, {}
    x = np.random.default_rng(0).normal(size=[16, 6]).astype("float32")
    own = tf.constant(x[8 * rank : 8 * rank + 8])
    asked = DEVICE.gpus.nccl.library.calls

    for name in ("AUTO", "RING"):
        strategy = strategy_of(name, pack=64)
        asked.clear()
        with strategy.scope():
            first = tf.Variable(lambda: tf.fill([6, 4], 0.1 * (1 - rank)) + tf.range(4.0) / 10)
            second = tf.Variable(tf.fill([4, 1], 0.5 + rank))

        @in_program
        def step(x):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((tf.tanh(x @ first) @ second) ** 2)
            gradients = total(*tape.gradient(loss, [first, second]), loss, kind="MEAN")
            for variable, gradient in zip((first, second), gradients):
                variable.assign_sub(0.1 * gradient)
            return gradients[-1]

        losses = [float(step(own)) for _ in range(6)]
        before, launches = dict(asked), DEVICE.gpu.driver.library.calls["cuGraphLaunch"]
        losses += [float(step(own)) for _ in range(3)]
        launches = DEVICE.gpu.driver.library.calls["cuGraphLaunch"] - launches
        if name == "AUTO":
            assert asked["ncclAllReduce"] == before["ncclAllReduce"]
        kinds = ["ncclCommInitRankConfig", "ncclBroadcast", "ncclAllReduce"]
        found[name] = {
            "losses": losses,
            "variables": [v.numpy().tolist() for v in (first, second)],
            "asked": [kind in before for kind in kinds],
            "launches": launches,
            "device": first.values[0].device,
        }
    print(json.dumps(found))
"""


def alone():
    """The same training with the whole batch, in float64."""
    x = np.random.default_rng(0).normal(size=[16, 6]).astype("float32").astype(float)
    first, second = np.full([6, 4], 0.1) + np.arange(4) / 10, np.full([4, 1], 0.5)
    losses = []
    for _ in range(9):
        hidden = np.tanh(x @ first)
        out = hidden @ second
        losses.append((out**2).mean())
        d_out = 2 * out / 16
        d_first = x.T @ (d_out @ second.T * (1 - hidden**2))
        first, second = first - 0.1 * d_first, second - 0.1 * (hidden.T @ d_out)
    return losses, first, second


@needs_mpi
def test_gpus_of_processes_train_as_one_in_one_graph_a_step(tmp_path):
    done = launched(BEGIN + TRAINING, tmp_path, 2, environment=ON_GPUS)
    ranks = [json.loads(lines[-1]) for lines in of_ranks(done).values()]
    assert ranks[0] == ranks[1]
    by_nccl, by_host = ranks[0]["AUTO"], ranks[0]["RING"]
    assert by_nccl["asked"] == [True, True, True] and by_host["asked"] == [False] * 3
    assert by_nccl["launches"] == 3 and by_host["launches"] > 3
    assert by_nccl["device"].endswith("GPU:0")
    losses, *variables = alone()
    for found in (by_nccl, by_host):
        np.testing.assert_allclose(found["losses"], losses, rtol=1e-5)
        for one, other in zip(found["variables"], variables, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


PARTS = """
    import keras

    rank, found, asked = connect().cluster.rank, [], DEVICE.gpus.nccl.library.calls
    x = tf.constant(np.random.default_rng(rank).normal(size=[8, 13]).astype("float32"))
    for stage in (0, 2, 3):
        strategy = strategy_of(stage=stage)
        asked.clear()
        with strategy.scope():
            variables = [tf.Variable(tf.fill([13, 9], 0.1)), tf.Variable(tf.fill([9, 1], 0.2))]
            optimizer = keras.optimizers.SGD(0.1, momentum=0.9)
            optimizer.build(variables)

        @in_program
        def step(x):
            first, second = variables
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((tf.tanh(x @ first) @ second - 1.0) ** 2)
            optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
            return loss

        losses = [float(step(x)) for _ in range(3)]
        kinds = [kind for kind in ("ncclAllReduce", "ncclReduceScatter", "ncclAllGather") if asked[kind]]
        digest = hashlib.sha256(b"".join(v.numpy().tobytes() for v in variables)).hexdigest()
        found.append([losses, digest, kinds])
    print(json.dumps(found))
"""


@needs_mpi
def test_state_in_parts_goes_between_gpus(tmp_path):
    done = launched(BEGIN + PARTS, tmp_path, 2, environment=ON_GPUS, timeout=150)
    first, second = (json.loads(lines[-1]) for lines in of_ranks(done).values())
    assert [found[1:] for found in first] == [found[1:] for found in second]
    whole, *divided = first
    for losses, weights, kinds in divided:  # to the bit: sums of two have one order
        assert [losses, weights] == whole[:2]
        assert {"ncclReduceScatter", "ncclAllGather"} <= set(kinds)
    assert whole[2] == ["ncclAllReduce"]


FAILING = """
    strategy = strategy_of()
    rank = connect().cluster.rank
    table = tf.Variable([1.0, 2.0, 3.0])

    @in_program
    def step(index):
        (sums,) = total(tf.gather(table, index))
        table.assign_add(tf.fill([3], tf.reduce_sum(sums)))
        return [table.read_value()]

    @in_program
    def looping(index):
        power = tf.reduce_sum(tf.gather(table, index))
        while power < 2e4:
            power = power * 2.0
        return total(power)

    for _ in range(3):
        print(said(lambda: step(tf.constant([1, 2]))))
    print(said(lambda: step(tf.constant([0, 7 if rank == 1 else 0]))))
    print(table.numpy().tolist())
    print(said(lambda: step(tf.constant([0, 0]))))
    print(said(lambda: looping(tf.constant([0, 7 if rank == 1 else 0]))))
    print(said(lambda: looping(tf.constant([0, 0]))))

    summed, ones = in_program(total), tf.ones([3]) * (rank + 1)
    values = ones, tf.constant([rank], tf.int64), tf.cast(ones, tf.bfloat16)
    print(said(lambda: summed(*values)))
    print(said(lambda: strategy.run(total, values) if rank else summed(*values)))
    two = lambda x: [*total(x), *total(2.0 * x)]
    print(said(lambda: strategy.run(two, [ones]) if rank else in_program(two)(ones)))
    print(said(lambda: summed(tf.ones([2 + rank]))))
    if rank:
        connect().gpus = None
    print(said(lambda: in_program(lambda x: total(2.0 * x))(ones)))
"""


@needs_mpi
def test_a_rank_that_fails_on_its_gpu_fails_the_step_for_all(tmp_path):
    found = of_ranks(launched(BEGIN + FAILING, tmp_path, 3, environment=ON_GPUS))
    for rank, lines in found.items():
        *good, bad, after, again, bad_loop, loop, values, mixed, two, shapes, other = lines
        assert good[-1] == "gave [[856.0, 857.0, 858.0]]"
        own, others = "InvalidArgumentError: ", "AbortedError: Rank 1 of 3 has failed"
        for line in (bad, bad_loop):
            assert line.startswith(own if rank == 1 else others), line
        assert after == good[-1][6:-1] and again == "gave [[5992.0, 5993.0, 5994.0]]"
        assert loop == f"gave [{3 * 4 * 5992.0}]"
        assert values == mixed == "gave [[6.0, 6.0, 6.0], [3], [6.0, 6.0, 6.0]]"
        assert two == "gave [[6.0, 6.0, 6.0], [12.0, 12.0, 12.0]]"
        assert shapes.startswith("InvalidArgumentError") and "rank 2: Add Id in packs" in shapes
        assert other.startswith("InternalError") and "sums of a strategy by NCCL" in other


LOST = """
    strategy = strategy_of()
    rank, victim = connect().cluster.rank, int(sys.argv[1])
    with strategy.scope():
        v = tf.Variable(tf.ones([8]))

    @in_program
    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.tanh(x * v))
        (gradient,) = total(tape.gradient(loss, v))
        v.assign_sub(0.1 * gradient)
        return [loss]

    for _ in range(4):
        step(tf.ones([8]))
    agree = connect().exchange_words

    def agree_and_end(*given):
        rows = agree(*given)
        if rank == victim:
            os.kill(os.getpid(), signal.SIGKILL)
        return rows

    connect().exchange_words = agree_and_end
    print(said(lambda: step(tf.ones([8]))), flush=True)
    print(said(lambda: step(tf.ones([8]))), flush=True)
    os._exit(0)  # nobody is there to say goodbye to
"""


@needs_grpc
@pytest.mark.parametrize("victim", [0, 1])  # rank 0 is where the stand-in's sockets meet
def test_a_rank_that_is_killed_in_a_step_ends_it_for_the_other(tmp_path, monkeypatch, victim):
    for name, value in {**ON_GPUS, "PENSTOCK_HEARTBEAT": "2"}.items():
        monkeypatch.setenv(name, value)
    program = "\n".join(line.removeprefix("    ") for line in (BEGIN + LOST).splitlines())
    ranks = started(program, tmp_path, 2, str(victim))
    outputs = [rank.communicate(timeout=240) for rank in ranks]
    assert ranks[victim].returncode == -signal.SIGKILL
    output, errors = outputs[1 - victim]
    assert ranks[1 - victim].returncode == 0, errors
    ended, again = output.splitlines()
    for line in (ended, again):
        assert re.match(rf"UnavailableError: .*Rank {victim} of 2 has not answered for 2 s", line)


CHOICE = """
    import logging
    from penstock._src.util.flags import override

    rank = connect().cluster.rank

    def chosen(implementation, device=None, what=lambda: None):
        try:
            with override(device=device) if device else contextlib.nullcontext():
                strategy_of(implementation)
            return "gpus" if connect().gpus is not None else "host"
        except tf.errors.OpError as error:
            return f"{type(error).__name__}: {error}"

    warned = []
    handler = logging.Handler()
    handler.emit = lambda record: warned.append(record.getMessage())
    tf.get_logger().addHandler(handler)
    on_cpu = "CPU" if rank else None
    found = {name: chosen(name) for name in ("AUTO", "NCCL", "RING")}
    found["AUTO mixed"], found["NCCL mixed"] = chosen("AUTO", on_cpu), chosen("NCCL", on_cpu)
    found["different"] = chosen("RING" if rank else "AUTO")
    warned.clear()
    found["NCCL on CPUs"], found["warned"] = chosen("NCCL", "CPU"), list(warned)
    bus_id = type(DEVICE.gpus.driver).bus_id
    type(DEVICE.gpus.driver).bus_id = lambda *_: "0000:01:00.0"
    found["AUTO one GPU"], found["NCCL one GPU"] = chosen("AUTO"), chosen("NCCL")
    type(DEVICE.gpus.driver).bus_id = bus_id
    DEVICE.gpus.nccl.version = lambda: (2, 13, 4)
    found["NCCL old"] = chosen("NCCL")
    DEVICE.gpus.nccl = None
    found["AUTO without"], found["NCCL without"] = chosen("AUTO"), chosen("NCCL")
    print(json.dumps(found))
"""


@needs_mpi
def test_workers_choose_nccl_together_where_all_have_it(tmp_path):
    done = launched(BEGIN + CHOICE, tmp_path, 2, environment=ON_GPUS)
    first, second = (json.loads(lines[-1]) for lines in of_ranks(done).values())
    assert first == second
    refused = (
        "FailedPreconditionError: MultiWorkerMirroredStrategy: implementation=NCCL cannot be used: "
    )
    assert [first[name] for name in ("AUTO", "NCCL", "RING")] == ["gpus", "gpus", "host"]
    for name in ("AUTO mixed", "AUTO one GPU", "AUTO without", "NCCL on CPUs"):
        assert first[name] == "host", name
    assert first["NCCL mixed"] == f"{refused}rank 1 of 2 runs on the CPU."
    assert first["NCCL one GPU"].startswith(f"{refused}ranks 0 and 1 run on the same GPU;")
    assert first["NCCL old"] == f"{refused}rank 0 of 2 has an NCCL older than 2.14."
    assert first["NCCL without"].startswith(f"{refused}rank 0 of 2 has no NCCL (pip install")
    assert "by rank: {0: 'AUTO', 1: 'RING'}" in first["different"]
    assert first["warned"] == ["Enabled NCCL communication but no GPUs detected/specified."]
