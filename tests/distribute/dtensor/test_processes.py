"""DTensors and Keras's distributions in several processes: as in one process, and as TensorFlow's."""

import functools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from penstock._src.util.process.ports import free_ports
from tests.harness.processes import ROOT, launched, lean, needs_mpi, of_ranks
from tests.harness.tasks import needs_grpc

pytestmark = needs_mpi
HERE = Path(__file__).parent
TENSORFLOW = json.loads((HERE / "tensorflow.json").read_text())


def printed(count, program, *arguments):
    """The lines of JSON that each rank prints of a program of this folder, one process without a launcher."""
    start = ["launch", "-n", str(count)] if count else ["run"]
    command = [sys.executable, "-m", "penstock", *start, str(HERE / program), *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=lean(), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    lines = of_ranks(done) if count else {0: done.stdout.splitlines()}
    return [[json.loads(line) for line in own] for _, own in sorted(lines.items())]


@functools.cache
def cases(count):
    """{case: result} of cases.py in one process of four devices, or in four."""
    return dict(printed(count, "cases.py", *([] if count else ["4"]))[0])


def moments(values):
    """Three numbers by which results are told apart."""
    flat = np.concatenate([np.ravel(value) for value in values]).astype("float64")
    return [flat.sum(), np.abs(flat).sum(), flat @ np.cos(np.arange(len(flat)))]


def test_ops_in_processes_give_what_one_process_gives():
    alone, together = cases(0), cases(4)
    assert alone.keys() == together.keys() and len(alone) >= 50
    for name, expected in alone.items():
        assert together[name]["specs"] == expected["specs"], name
        for made, value in zip(together[name]["values"], expected["values"], strict=True):
            np.testing.assert_allclose(made, value, rtol=1e-3, atol=2e-3, err_msg=name)


def test_values_and_layouts_are_tensorflows():
    for name, expected in TENSORFLOW.items():
        made = cases(4)[name]
        assert made["specs"] == expected["specs"], name
        found = moments(made["values"])
        np.testing.assert_allclose(found, expected["moments"], rtol=1e-3, atol=0.02, err_msg=name)


@needs_grpc
def test_clients_that_were_started_one_by_one_hold_their_shards(tmp_path):
    ((alone,),) = printed(0, "small.py", str(tmp_path / "alone"))
    jobs = ",".join(f"localhost:{port}" for port in free_ports(2))
    clients = [
        subprocess.Popen(
            [sys.executable, "-m", "penstock", "run", str(HERE / "small.py"), str(tmp_path)],
            cwd=ROOT,
            text=True,
            stdout=subprocess.PIPE,
            env=lean(
                {
                    "DTENSOR_CLIENT_ID": str(rank),
                    "DTENSOR_NUM_CLIENTS": "2",
                    "DTENSOR_JOBS": jobs,
                }
            ),
        )
        for rank in range(2)
    ]
    for client in clients:
        output, _ = client.communicate(timeout=100)
        assert client.returncode == 0
        made = json.loads(output.splitlines()[-1])
        assert made.pop("mesh") == [2, 2, 1]
        assert made == {name: value for name, value in alone.items() if name != "mesh"}


@functools.cache
def trained(count, kind):
    """What each rank prints of training.py."""
    return [lines[-1] for lines in printed(count, "training.py", kind)]


@pytest.mark.parametrize(("count", "kind"), [(2, "model"), (4, "both")])
def test_keras_trains_divided_models_as_whole_ones(count, kind):
    (alone,), ranks = trained(0, "none"), trained(count, kind)
    assert len(ranks) == count
    for made in ranks:
        for model, found in made.items():
            for what in ("losses", "accuracy", "evaluated", "predicted", "weights"):
                expected = alone[model][what]
                np.testing.assert_allclose(found[what], expected, rtol=1e-4, atol=1e-5)


def test_each_process_holds_its_part_of_kernels_and_moments():
    (alone,), ranks = trained(0, "none"), trained(2, "model")
    for made in ranks:
        for model, expected in alone.items():
            divided = [path for path in expected["bytes"] if "dense" not in path]
            for path in divided:
                assert made[model]["bytes"][path] * 2 == expected["bytes"][path], path
            assert len(divided) >= 2
            assert [2 * n for n in made[model]["moments"]] == expected["moments"]


def test_whatever_cannot_be_done_on_shards_is_refused(tmp_path):
    done = launched(
        """
        import numpy as np, penstock as tf
        from penstock.experimental import dtensor

        dtensor.initialize_accelerator_system("CPU")
        mesh = dtensor.create_distributed_mesh([("x", 2)], device_type="CPU")
        rows = dtensor.Layout(["x"], mesh)
        table = dtensor.DVariable(dtensor.copy_to_mesh(np.arange(4.0), rows))

        def refused(function):
            try:
                function()
            except (tf.errors.OpError, ValueError) as error:
                print(type(error).__name__, str(error)[:60])
            else:
                print("nothing")

        refused(lambda: tf.raw_ops.ResourceScatterAdd(resource=table.handle, indices=[0], updates=[1.0]))
        refused(lambda: tf.gather(table, [4]))
        refused(lambda: dtensor.create_distributed_mesh([("x", 3)], device_type="CPU"))
        refused(lambda: dtensor.pack([tf.ones(2), tf.ones(2)], rows))
        print("made whole before: MatrixDiag" in tf.function(lambda: tf.linalg.diag(table)).explain())
        """,
        tmp_path,
        2,
    )
    for lines in of_ranks(done).values():
        kinds = [line.split()[0] for line in lines[:4]]
        assert kinds == [
            "UnimplementedError",
            "InvalidArgumentError",
            "ValueError",
            "InvalidArgumentError",
        ]
        assert lines[4] == "True"


def test_public_functions_and_gradients_are_those_of_one_process():
    (alone,), together = printed(0, "functions.py"), printed(2, "functions.py")[0]
    assert len(alone) >= 35
    for (name, expected), (_, made) in zip(alone, together, strict=True):
        np.testing.assert_allclose(made, expected, rtol=1e-3, atol=1e-3, err_msg=name)


EXCHANGES = """
    import numpy as np, penstock as tf
    from penstock._src.cluster.transports.table import connect
    from penstock._src.ops.collective.mesh import mesh_exchange, mesh_gather, mesh_reduce, mesh_scatter

    rank = connect().cluster.rank
    columns = {"size": 2, "members": [0, 2, 1, 3]}

    def exchanged(x, narrow):
        part = mesh_scatter(x, **columns, axis=1)
        return [
            mesh_reduce(x, **columns, merge_op="Add"),
            part,
            mesh_gather(x, **columns, axis=1),
            mesh_exchange(x, **columns, split_axis=0, join_axis=1),
            mesh_gather(2 * part, size=4, members=[3, 2, 1, 0], axis=0),
            mesh_gather(narrow > 0, **columns, axis=0),
            mesh_scatter(narrow, **columns, axis=0),
        ]

    x = tf.constant(np.random.default_rng(rank).normal(size=[4, 6]).astype(np.float32))
    step = tf.function(exchanged)
    given = x, tf.cast(x, tf.bfloat16)
    alone = exchanged(*given)
    made = (step if rank % 2 else exchanged)(*given)  # programs meet hosts
    again = step(*given)
    print(all(np.array_equal(a, b) and np.array_equal(a, c) for a, b, c in zip(alone, made, again)))
    print([list(a.shape) for a in again])
    print("on the host" in step.explain(*given) or "blocks" in step.explain(*given))

    @tf.function
    def failing(x, index):
        found = tf.gather(x, index)
        return mesh_gather(mesh_reduce(found, **columns, merge_op="Add"), size=4, members=[0, 1, 2, 3], axis=0)

    try:
        failing(x, [9 if rank == 2 else 0])
    except tf.errors.OpError as error:
        print(type(error).__name__)
"""


def test_exchanges_of_parts_of_a_mesh_are_launches_of_one_program(tmp_path):
    for rank, lines in of_ranks(launched(EXCHANGES, tmp_path, 4)).items():
        shapes = [[4, 6], [4, 3], [4, 12], [2, 12], [16, 3], [8, 6], [2, 6]]
        failure = "InvalidArgumentError" if rank == 2 else "AbortedError"
        assert lines == ["True", str(shapes), "False", failure]
