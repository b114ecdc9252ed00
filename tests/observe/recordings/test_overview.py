"""`penstock record` and `penstock replay` without a line: what they say of programs with a mistake each."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.cli import main

keras = tf.keras
RNG = np.random.default_rng(0)
X = RNG.normal(size=(8, 5)).astype(np.float32)


def said(folder, capsys, run, last=10):
    """Findings about the runs of a program, and all that is said of them."""
    with tf.debugging.recording(folder, last):
        try:
            run()
        except tf.errors.InvalidArgumentError:
            pass
    capsys.readouterr()
    main(["replay", str(folder)])
    text = capsys.readouterr().out
    return [line[4:] for line in text.splitlines() if line.startswith("  ! ")], text


def trained(loss_of, variables):
    """A function that takes a step of descent."""

    @tf.function
    def step(*batch):
        with tf.GradientTape() as tape:
            loss = loss_of(*batch)
        for v, g in zip(variables, tape.gradient(loss, variables), strict=True):
            if g is not None:
                v.assign_sub(0.01 * g)
        return loss

    return step


def test_a_wrong_axis_mixes_examples(tmp_path, capsys):
    w = tf.Variable(np.ones([5, 3], np.float32))

    def loss(x):
        p = tf.nn.softmax(tf.matmul(x, w), axis=0)
        return tf.reduce_sum(p * p)

    found, _ = said(tmp_path, capsys, lambda: trained(loss, [w])(X))
    assert found[0].startswith("one example's result depends on the others of the batch: ")
    assert "p = tf.nn.softmax(tf.matmul(x, w), axis=0)" in found[0] and len(found) == 1


def test_examples_that_are_not_mixed(tmp_path, capsys):
    w = tf.Variable(np.ones([5, 3], np.float32))

    def loss(x):
        return tf.reduce_sum(tf.nn.softmax(tf.matmul(x, w)) ** 2)

    found, text = said(tmp_path, capsys, lambda: trained(loss, [w])(X))
    assert not found and "loss = float32[] " in text


def test_normalization_over_the_batch_is_meant(tmp_path, capsys):
    model = keras.Sequential([keras.layers.BatchNormalization(), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    found, _ = said(tmp_path, capsys, lambda: model.fit(X, X[:, :1], batch_size=8, verbose=0))
    assert not found


def test_the_first_step_with_a_nan_is_shown(tmp_path, capsys):
    w = tf.Variable(np.ones([5], np.float32))

    def loss(x):
        p = tf.nn.relu(x * w)
        return -tf.reduce_mean(tf.math.log(p) * p)

    step = trained(loss, [w])

    def run():
        for x in (np.abs(X) + 1, *[X] * 5):
            step(x)

    found, text = said(tmp_path, capsys, run, last=2)
    assert "step, step 1:" in text  # the first bad one, which the ring of two has lost
    assert found[0].startswith("first infinity at [0, 1]: Log ") and "(0.0 there)" in found[0]


def test_growth_in_a_loop(tmp_path, capsys):
    w = tf.Variable(4.0 * np.eye(5, dtype=np.float32))

    def loss(x):
        h = x
        for _ in tf.range(9):
            h = tf.matmul(h, w)
        return tf.reduce_sum(h)

    found, _ = said(tmp_path, capsys, lambda: trained(loss, [w])(X))
    assert any("grows from" in f and "in 9 rounds: MatMul" in f for f in found), found
    assert any("in 9 rounds: gradient of" in f for f in found), found


def test_a_copy_of_a_variable(tmp_path, capsys):
    teacher, w = (tf.Variable(RNG.normal(size=(5, 3)).astype(np.float32)) for _ in range(2))
    copy = tf.convert_to_tensor(teacher)

    def loss(x):
        target = tf.matmul(x, copy)
        teacher.assign(0.9 * teacher + 0.1 * w)
        return tf.reduce_mean((tf.matmul(x, w) - target) ** 2)

    step = trained(loss, [w])
    found, _ = said(tmp_path, capsys, lambda: [step(X + i) for i in range(3)])
    (text,) = found
    assert "is the same value in all 3 runs, and no variable" in text
    assert f"it is what variable {teacher.name.removesuffix(':0')}" in text
    assert "target = tf.matmul(x, copy)" in text


def test_labels_of_another_rank(tmp_path, capsys):
    w = tf.Variable(np.ones([5, 1], np.float32))
    step = trained(lambda x, y: tf.reduce_mean((tf.matmul(x, w) - y) ** 2), [w])
    found, _ = said(tmp_path, capsys, lambda: step(X, X[:, 0]))
    assert found[0].startswith("[8, 1] and [8] make [8, 8]: Sub ")


def test_units_that_are_dead(tmp_path, capsys):
    dead = keras.layers.Dense(6, "relu", bias_initializer=keras.initializers.Constant(-99.0))
    model = keras.Sequential([keras.layers.Dense(7), dead, keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    found, _ = said(tmp_path, capsys, lambda: model.fit(X, X[:, :1], verbose=0))
    assert found[0].startswith("the run changed") and "dense" in found[0]
    assert found[1].startswith("6 of 6 units are 0 for all examples: Relu ")


@pytest.mark.parametrize("is_twice", [True, False])
def test_a_softmax_before_a_loss_of_logits(tmp_path, capsys, is_twice):
    w = tf.Variable(np.ones([5, 3], np.float32))

    def loss(x, y):
        h = tf.matmul(x, w)
        logits = tf.nn.softmax(h) if is_twice else h
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits))

    found, _ = said(tmp_path, capsys, lambda: trained(loss, [w])(X, np.arange(8) % 3))
    assert any("logits that are probabilities" in each for each in found) == is_twice


def test_dropout_in_an_evaluation(tmp_path, capsys):
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.last = keras.layers.Dense(1)

        def call(self, x):
            return self.last(tf.nn.dropout(x, 0.5))

    model = Net()
    model.compile("sgd", "mse")

    def run():
        model.fit(X, X[:, :1], batch_size=4, verbose=0)
        for _ in range(9):
            model.evaluate(X, X[:, :1], batch_size=4, verbose=0)

    found, text = said(tmp_path, capsys, run, last=1)
    assert text.count("operations\n") == 2  # training and evaluation have one name
    assert len(found) == 1 and found[0].startswith("random numbers in a run without gradients: ")
    assert "return self.last(tf.nn.dropout(x, 0.5))" in found[0]


def test_labels_out_of_range(tmp_path, capsys):
    w = tf.Variable(np.ones([5, 3], np.float32))

    def loss(x, y):
        each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=tf.matmul(x, w))
        return tf.reduce_mean(each)

    step = trained(loss, [w])
    _, text = said(tmp_path, capsys, lambda: step(X, np.arange(1, 9) % 4))
    assert "The run ended with InvalidArgumentError: " in text and "[0, 3)" in text


def test_a_rate_that_python_computes(tmp_path, capsys):
    w = tf.Variable(np.ones([5], np.float32))
    schedule = keras.optimizers.schedules.ExponentialDecay(0.01, 1, 0.5)

    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum((x * w) ** 2)
        rate = schedule(count)
        w.assign_sub(rate * tape.gradient(loss, w))

    def run():
        nonlocal count
        for count in range(3):
            step(X + count)

    count = 0
    found, text = said(tmp_path, capsys, run)
    assert (
        found[0].startswith("rate is 0.01 in each run: ") and "rate = schedule(count)" in found[0]
    )
    assert "w.assign_sub" not in found[0] and "rate = float32[] 0.01" in text


PROGRAM = """
import sys
import tensorflow as tf

@tf.function
def f(x):
    y = tf.math.log(x)
    return y

f(tf.constant([0.0, 1.0]))
sys.exit(3)
"""


def test_a_program_is_recorded(tmp_path, capsys):
    script = tmp_path / "script.py"
    script.write_text(PROGRAM)
    with pytest.raises(SystemExit, match="3"):
        main(["record", "--last", "2", str(tmp_path / "run"), str(script)])
    assert main(["replay", str(tmp_path / "run")]) == 0
    assert "first infinity at [0]: Log" in capsys.readouterr().out
    assert main(["record", str(tmp_path / "run")]) == 2
    assert "expected a folder for the recording" in capsys.readouterr().err
    assert main(["record", "--last", "0", str(tmp_path / "run"), str(script)]) == 2


def test_examples_that_are_texts(tmp_path, capsys):
    @tf.function
    def lengths(texts):
        words = tf.strings.split(texts)
        return words.row_lengths() - tf.reduce_max(words.row_lengths())

    found, text = said(tmp_path, capsys, lambda: lengths(tf.constant(["a b c", "d e", "f"])))
    assert not found and "words" not in found and "operations" in text
    found, _ = said(tmp_path, capsys, lambda: lengths(tf.constant(["a", "a"])))
    assert not found


def test_a_large_change_of_a_variable(tmp_path, capsys):
    v = tf.Variable([1.0, 2.0], name="v")

    @tf.function
    def step(x):
        v.assign_add(x)

    found, _ = said(tmp_path, capsys, lambda: step(tf.constant([0.0, 300.0])))
    assert found == ["variable v changed by up to 300; it was float32[2] 1 .. 2"]
    found, _ = said(tmp_path, capsys, lambda: step(tf.constant([0.0, 300.0])))
    assert not found
