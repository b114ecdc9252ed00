"""Recordings of runs: a run repeated from its folder computes the same, and two that part are told apart by operation and line."""

import json
import os
import zipfile

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.cli import main
from penstock._src.observe.recordings.files import read
from penstock._src.observe.recordings.repeated import repeat
from penstock._src.util.run_observers import RESULT_OBSERVERS

keras = tf.keras
X = tf.constant([1.1, 0.5])


def made(factor=2.0, dtype=tf.float32, seed=1):
    v = tf.Variable([1.0, 2.0])

    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            noise = tf.random.normal([2], seed=seed)
            h = tf.cast(x * v, dtype)
            y = h * factor
            for _ in tf.range(2):
                y = y * y
            loss = tf.reduce_sum(tf.cast(y, tf.float32) + noise)
        v.assign_sub(tape.gradient(loss, v) * 0.01)
        return loss

    return step


FIRST = made.__code__.co_firstlineno
FILE = "recordings/test_recordings.py"


def record(folder, step, runs=5, last=3):
    with tf.debugging.recording(folder, last=last):
        return [step(X) for _ in range(runs)]


def test_each_run_that_is_kept_computes_the_same_again(tmp_path):
    losses = record(tmp_path, made())
    for step in (2, 3, 4):
        repeated = repeat(read(str(tmp_path), step))
        np.testing.assert_allclose(repeated.computed[-1].values[0], losses[step], rtol=1e-5)
        assert repeated.run.results[0] == losses[step].numpy()
    with pytest.raises(tf.errors.InvalidArgumentError, match="It holds: step 2, step 3, step 4"):
        read(str(tmp_path), 1)


def test_replay_shows_names_and_gradients_at_a_line(tmp_path, capsys):
    record(tmp_path, made(), runs=1)
    assert main(["replay", str(tmp_path), "--step", "0", "--line", f"{FILE}:{FIRST + 7}"]) == 0
    shown = capsys.readouterr().out
    assert "h = float32[2] [1.1 1. ]" in shown and "gradient, Mul" in shown
    assert main(["replay", str(tmp_path)]) == 0
    assert f"{os.path.basename(FILE)}:{FIRST + 8}  y = float32[2]" in capsys.readouterr().out


@pytest.mark.parametrize(
    "other, line, text",
    [
        ({"factor": 3.0}, 8, "first difference: Const"),
        ({"dtype": tf.bfloat16}, 8, "only in the second: Cast"),
        ({"seed": 2}, 6, "first difference: RandomStandardNormal"),
    ],
    ids=["a changed line", "bfloat16", "another seed"],
)
def test_diff_names_the_first_operation_that_differs(tmp_path, capsys, other, line, text):
    for name, arguments in (("a", {}), ("b", other)):
        record(tmp_path / name, made(**arguments), runs=1)
    assert main(["diff", str(tmp_path / "a"), str(tmp_path / "b")]) == 1
    shown = capsys.readouterr().out
    assert text in shown and "by up to" in shown
    assert f'{FILE}", line {FIRST + line}, in step' in shown.partition("first difference")[2]


def test_diff_of_equal_runs(tmp_path, capsys):
    for name in "ab":
        tf.random.set_seed(3)
        record(tmp_path / name, made(), runs=2)
    assert main(["diff", str(tmp_path / "a"), str(tmp_path / "b"), "--step", "1"]) == 0
    assert "The same values" in capsys.readouterr().out


def growing():
    v = tf.Variable([1.0, 2.0])

    @tf.function
    def step(x, factor):
        h = x * v
        v.assign_add(h * factor * 0.01)
        return tf.reduce_sum(h)

    return step


def test_diff_goes_back_to_the_first_step_that_differs(tmp_path, capsys):
    for name, factors in (("a", (2.0, 2.0, 2.0)), ("b", (2.0, 3.0, 2.0))):
        step = growing()
        with tf.debugging.recording(tmp_path / name):
            for factor in factors:
                step(X, tf.constant(factor))
    assert main(["diff", str(tmp_path / "a"), str(tmp_path / "b")]) == 1
    head, first, *_ = capsys.readouterr().out.splitlines()
    assert head == "step 1, the first of those recorded that differs:"
    assert first.startswith("input factor differs")
    assert main(["diff", str(tmp_path / "a"), str(tmp_path / "b"), "--step", "2"]) == 1
    assert "step 1" not in capsys.readouterr().out


def test_diff_within_a_tolerance(tmp_path):
    for name, factor in (("a", 2.0), ("b", 2.000001)):
        tf.random.set_seed(3)
        record(tmp_path / name, made(factor), runs=1)
    folders = [str(tmp_path / "a"), str(tmp_path / "b")]
    assert main(["diff", *folders]) == 1
    assert main(["diff", *folders, "--tolerance", "0.001"]) == 0


def test_fit_with_its_data_and_dropout(tmp_path):
    model = keras.Sequential([keras.layers.Dropout(0.5), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.arange(32, dtype=np.float32).reshape(16, 2) / 32
    with tf.debugging.recording(tmp_path, last=2):
        model.fit(x, x[:, :1], batch_size=4, verbose=0)
    repeated = repeat(read(str(tmp_path)))
    assert repeated.run.step == 3
    kinds = {each.kind for each in repeated.computed}
    assert "IteratorGetNext" in kinds and any("Assign" in kind for kind in kinds)
    (batch,) = (each.values[0] for each in repeated.computed if each.kind == "IteratorGetNext")
    assert batch.shape == (4, 2) and batch.any()


def test_fit_of_a_model_that_was_fitted_before(tmp_path):
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.ones([4, 2], np.float32)
    model.fit(x, x[:, :1], batch_size=4, verbose=0)
    with tf.debugging.recording(tmp_path):
        model.fit(x, x[:, :1], batch_size=4, verbose=0)
    assert read(str(tmp_path)).step == 0


def test_a_run_that_raises_is_kept(tmp_path, capsys):
    @tf.function
    def pick(i):
        return tf.gather(X, i)

    with pytest.raises(tf.errors.InvalidArgumentError):
        with tf.debugging.recording(tmp_path):
            pick(tf.constant(7))
    assert main(["replay", str(tmp_path)]) == 1
    assert "indices = 7 is not in [0, 2)" in capsys.readouterr().out


def test_nothing_is_kept_outside_of_the_block(tmp_path):
    step = made()
    record(tmp_path, step, runs=1)
    step(X)
    assert not RESULT_OBSERVERS and not step.get_concrete_function(X).graph.is_debugged
    assert len(json.loads((tmp_path / "recording.json").read_text())["runs"]) == 1


def test_refusals(tmp_path, capsys):
    with pytest.raises(tf.errors.InvalidArgumentError, match="last must be at least 1"):
        with tf.debugging.recording(tmp_path, last=0):
            pass
    assert main(["replay", str(tmp_path / "none")]) == 2
    assert "holds no recording" in capsys.readouterr().err
    record(tmp_path, made(), runs=1)
    assert main(["replay", str(tmp_path), "--line", "other.py:1"]) == 2
    assert "no operation of the run comes from other.py:1" in capsys.readouterr().err


FILES = ("recording.json", "function-0.json", "function-0.pb", "run-0.zip")


@pytest.mark.parametrize("name", FILES)
def test_damaged_files_are_named(tmp_path, name):
    record(tmp_path, made(), runs=1)
    path = tmp_path / name
    whole = path.read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], b"[1]", b"{}", b"\0" * len(whole)):
        path.write_bytes(damaged)
        with pytest.raises(tf.errors.DataLossError, match=name):
            read(str(tmp_path))
    path.unlink()
    kind = tf.errors.InvalidArgumentError if name == "recording.json" else tf.errors.DataLossError
    with pytest.raises(kind, match=name):
        read(str(tmp_path))


def test_compressed_members_are_refused(tmp_path):
    record(tmp_path, made(), runs=1)
    with zipfile.ZipFile(tmp_path / "run-0.zip", "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.pb", b"\0" * 10_000_000)
    with pytest.raises(tf.errors.DataLossError, match="bomb.pb is compressed"):
        read(str(tmp_path))


def test_files_are_whole_or_not_there(tmp_path, monkeypatch):
    record(tmp_path, made(), runs=1)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}

    def disk_full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fsync", disk_full)
    with pytest.raises(OSError, match="No space left"):
        record(tmp_path, made(3.0), runs=1)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
