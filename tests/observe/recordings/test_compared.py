"""Recordings that hold what operations computed: of other versions, numbers of threads, devices, and of TensorFlow."""

import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.cli import main
from penstock._src.bridge.cli.verify.diff import RECORDER
from penstock._src.observe.recordings.files import read
from penstock._src.observe.recordings.repeated import repeat, values_of
from penstock._src.ops.math.exponential import Tanh

PROGRAM = """
import sys
import numpy as np
import penstock as tf

w = tf.Variable(np.linspace(-1, 1, 256 * 64).reshape(256, 64), dtype=tf.float32, name="w")

@tf.function
def step(x):
    with tf.GradientTape() as tape:
        h = tf.tanh(x @ w)
        loss = tf.reduce_sum(h * tf.random.stateless_uniform([64, 64], [1, 2]))
    w.assign_sub(tape.gradient(loss, w) * 0.1)
    return loss

with tf.debugging.recording(sys.argv[1], operations=True):
    for _ in range(3):
        step(tf.reshape(tf.range(64.0 * 256), [64, 256]) / 9000.0)
"""
RECORDED = pathlib.Path(__file__).parent / "recorded"
THEIRS = RECORDED / "tensorflow"


def diff(capsys, *arguments):
    """The status of `penstock diff`, and what it prints."""
    capsys.readouterr()
    status = main(["diff", *map(str, arguments)])
    return status, capsys.readouterr().out


def run(folder, *command, **environment):
    """Runs a Python program in a folder."""
    environment = {**os.environ, **environment}
    subprocess.run([sys.executable, *command], cwd=folder, env=environment, check=True)


def test_other_numbers_of_threads_give_the_same_in_every_operation(tmp_path, capsys):
    (tmp_path / "program.py").write_text(PROGRAM)
    for threads in ("1", "3"):
        run(tmp_path, "program.py", threads, PENSTOCK_THREADS=threads)
    status, out = diff(capsys, tmp_path / "1", tmp_path / "3")
    assert status == 0 and "The same values" in out
    recorded = read(str(tmp_path / "1"))
    assert {"matmul", "Tanh"} <= {each.name for each in recorded.values}


def recorded_tanh(folder):
    """Records a function that draws random numbers and updates a variable, with what its operations compute."""
    tf.random.set_seed(1)
    v = tf.Variable([0.5, 0.25])

    @tf.function
    def step(x):
        h = tf.tanh(x * v)
        v.assign_add(h + tf.random.uniform([2]))
        return tf.reduce_sum(h)

    with tf.debugging.recording(folder, operations=True):
        for _ in range(3):
            step(tf.constant([1.0, 2.0]))
    return v.numpy()


def test_a_version_that_computes_an_operation_otherwise_is_told_by_the_operation(
    tmp_path, capsys, monkeypatch
):
    first, again = recorded_tanh(tmp_path / "old"), recorded_tanh(tmp_path / "same")
    assert (first == again).all()
    assert diff(capsys, tmp_path / "old", tmp_path / "same")[0] == 0
    monkeypatch.setattr(Tanh, "primitive", "sin")
    recorded_tanh(tmp_path / "new")
    status, out = diff(capsys, tmp_path / "old", tmp_path / "new", "--step", "0")
    assert (
        status == 1
        and "first difference: Tanh Tanh" in out
        and "in step: h = tf.tanh(x * v)" in out
    )
    assert "variable Variable after the compiled runs differs" in out


@pytest.fixture(scope="module")
def on_penstock(tmp_path_factory):
    """Returns what records the program on Penstock."""

    def record(**environment):
        folder = tmp_path_factory.mktemp("penstock")
        shutil.copy(RECORDED / "program.py", folder)
        recorder = ["-m", "penstock", "run", str(RECORDER), "--last", "1", "recorded"]
        run(folder, *recorder, "program.py", **environment)
        return folder / "recorded"

    return record


def test_tensorflow_beside_penstock(on_penstock, capsys):
    status, out = diff(capsys, THEIRS, on_penstock())
    assert status == 0, out
    assert "operations of TensorFlow and Penstock" in out and int(out.split()[4]) > 30


@pytest.mark.parametrize(
    ("environment", "first"),
    [
        ({"FACTOR": "2.01"}, "first difference: Mul mul, in user code"),
        ({"NARROW": "1"}, "first difference: Softplus Softplus, in user code"),
    ],
)
def test_a_program_that_differs_from_tensorflows_is_told_by_what_differs(
    on_penstock, capsys, environment, first
):
    status, out = diff(capsys, THEIRS, on_penstock(**environment))
    assert status == 1 and out.startswith(first)
    assert 'program.py", line 16, in scaled' in out


def test_each_operation_of_tensorflow_on_equal_operands(capsys, monkeypatch):
    status, out = diff(capsys, THEIRS)
    assert status == 0 and "operations of TensorFlow 2.21.0 on equal operands" in out, out
    eager = Tanh.eager
    monkeypatch.setattr(Tanh, "eager", lambda self, x: eager(self, x) * x.dtype.type(1.01))
    status, out = diff(capsys, THEIRS)
    assert status == 1 and out.startswith("Tanh while/Tanh, in user code: ")
    assert "line 26, in step: Penstock's kernel differs by up to" in out


def test_replay_shows_what_tensorflow_computed(capsys):
    assert main(["replay", str(THEIRS), "--line", "program.py:25"]) == 0
    out = capsys.readouterr().out
    assert "h = float32[3, 3]" in out and "gradient, " in out


def test_the_recorder_is_printed(capsys):
    assert main(["diff", "--recorder"]) == 0
    assert capsys.readouterr().out == RECORDER.read_text()


def test_operations_of_the_functions_that_fit_calls(tmp_path, capsys):
    def fit(folder, rate):
        tf.keras.backend.clear_session()
        tf.keras.utils.set_random_seed(1)
        dropout = tf.keras.layers.Dropout(rate, name="dropout")
        model = tf.keras.Sequential([dropout, tf.keras.layers.Dense(1, name="dense")], name="model")
        model.compile("adam", "mse")
        x = tf.reshape(tf.range(32.0) / 32.0, [16, 2])
        with tf.debugging.recording(folder, operations=True):
            model.fit(x, x[:, :1], batch_size=4, shuffle=False, verbose=0)

    for name, rate in (("a", 0.5), ("b", 0.5), ("c", 0.25)):
        fit(tmp_path / name, rate)
    recorded = read(str(tmp_path / "a"))
    assert len(recorded.values) > 40 and any("dropout" in each.name for each in recorded.values)
    repeated = {(c.function, c.name): c.values for c in repeat(recorded).computed}
    for each in values_of(recorded).computed:
        for value, other in zip(each.values, repeated[each.function, each.name], strict=True):
            if value is not None and value.dtype.kind == "f":
                np.testing.assert_allclose(value, other, rtol=1e-4, atol=1e-6, err_msg=each.name)
    status, out = diff(capsys, tmp_path / "a", tmp_path / "b")
    assert status == 0, out
    status, out = diff(capsys, tmp_path / "a", tmp_path / "c", "--step", "1")
    assert status == 1 and "first difference: Const model_1/dropout" in out, out


@pytest.mark.parametrize("status, given", [(0, "0"), (3, "3"), (0, "None")])
def test_a_recorded_program_ends_with_its_own_status(tmp_path, status, given):
    (tmp_path / "program.py").write_text(f"raise SystemExit({given})")
    command = [sys.executable, "-m", "penstock", "run", str(RECORDER), "folder", "program.py"]
    assert subprocess.run(command, cwd=tmp_path).returncode == status
