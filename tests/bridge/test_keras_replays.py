"""Eager updates by Keras's optimizers are replayed after a few steps: they give the bits of updates that Keras's Python makes, and follow every change."""

import gc
import weakref

import numpy as np
import pytest

import penstock

penstock.install_as_tensorflow()

import keras  # noqa: E402  (must find the stand-in)
import tensorflow as tf  # noqa: E402

from penstock._src.bridge.keras_modules.steps import replays  # noqa: E402
from penstock._src.core import dispatch  # noqa: E402
from penstock._src.eager import execute  # noqa: E402
from penstock._src.util import slots  # noqa: E402

SHAPES = [(4, 3), (3,), (), (2, 3, 4)]
OPTIMIZERS = {
    "Adadelta": {},
    "Adafactor": {},
    "Adagrad": {},
    "Adam": {"amsgrad": True},
    "AdamW": {"clipnorm": 1.0},
    "Adamax": {"use_ema": True},
    "Ftrl": {"l1_regularization_strength": 0.1},
    "Lamb": {},
    "Lion": {"weight_decay": 0.1},
    "Nadam": {"global_clipnorm": 1.0},
    "RMSprop": {"momentum": 0.5, "centered": True},
    "SGD": {"momentum": 0.5, "nesterov": True},
}


@pytest.fixture
def ran(monkeypatch):
    """The programs that ran."""
    # Tests before these may have loaded what looks at all ops of a process from then on.
    monkeypatch.setattr(dispatch, "OBSERVED", [])
    monkeypatch.setattr(slots, "RUN_EAGERLY", execute.execute)
    programs = []
    run = replays._Program.run
    monkeypatch.setattr(
        replays._Program, "run", lambda one, values: (programs.append(one), run(one, values))[1]
    )
    return programs


def _trained(optimizer, change=lambda optimizer, step: None, dtype="float32"):
    """The bytes of all variables after some steps; `change` is called before each."""
    rng = np.random.default_rng(1)
    variables = [tf.Variable(rng.standard_normal(shape), dtype=dtype) for shape in SHAPES]
    variables.append(keras.Variable(rng.standard_normal((4, 3)), dtype=dtype))
    for step in range(replays.RECORDED_AFTER + 5):
        change(optimizer, step)
        gradients = [tf.constant(rng.standard_normal(v.shape), dtype) for v in variables]
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
    return [v.numpy().tobytes() for v in (*variables, *optimizer.variables)]


def _by_keras(monkeypatch, train):
    with monkeypatch.context() as patch:
        patch.setattr(replays, "_is_served", lambda *_: False)
        return train()


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_replayed_updates_have_the_bits_of_keras(name, dtype, ran, monkeypatch):
    def train():
        return _trained(getattr(keras.optimizers, name)(**OPTIMIZERS[name]), dtype=dtype)

    expected = _by_keras(monkeypatch, train)
    assert not ran
    assert train() == expected
    assert ran


@pytest.mark.parametrize("rate", ["schedule", "function"])
def test_learning_rates_that_change(rate, ran, monkeypatch):
    def train():
        rates = iter(np.linspace(0.1, 0.9, 100).tolist())
        schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 3, 0.5)
        given = schedule if rate == "schedule" else lambda: next(rates)
        return _trained(keras.optimizers.Adam(given))

    expected = _by_keras(monkeypatch, train)
    assert train() == expected
    assert ran or rate == "function"


def test_changes_of_an_optimizer_are_followed(ran, monkeypatch):
    before = []

    def change(optimizer, step):
        if step == replays.RECORDED_AFTER + 2:
            optimizer.learning_rate = 0.5
        if step == replays.RECORDED_AFTER + 3:
            optimizer.beta_1 = 0.25
            before.append(len(ran))

    def train():
        return _trained(keras.optimizers.Adam(), change)

    expected = _by_keras(monkeypatch, train)
    assert train() == expected
    assert before == [0, len(ran)]
    assert ran  # with the first numbers alone: updates with others are other ones


def test_refused_gradients_are_refused_alike_each_time():
    optimizer, variable = keras.optimizers.SGD(), tf.Variable([1.0, 2.0])
    refusals = set()
    for _ in range(replays.RECORDED_AFTER + 2):
        with pytest.raises(tf.errors.InvalidArgumentError) as refusal:
            optimizer.apply_gradients([(tf.ones([3]), variable)])
        refusals.add(str(refusal.value))
    assert len(refusals) == 1


def test_tapes_see_updates(ran):
    optimizer, variable = keras.optimizers.SGD(0.5), tf.Variable([1.0])
    for _ in range(replays.RECORDED_AFTER + 2):
        optimizer.apply_gradients([(tf.ones([1]), variable)])
    before = len(ran)
    assert before
    with tf.GradientTape() as tape:
        optimizer.apply_gradients([(tf.ones([1]), variable)])
        y = variable * 2.0
    assert len(ran) == before
    assert tape.gradient(y, variable).numpy() == [2.0]


def test_replays_do_not_keep_an_optimizer_alive(ran):
    optimizer, variable = keras.optimizers.SGD(), tf.Variable([1.0])
    for _ in range(replays.RECORDED_AFTER + 2):
        optimizer.apply_gradients([(tf.ones([1]), variable)])
    assert ran
    known = weakref.ref(optimizer)
    del optimizer
    gc.collect()
    assert known() is None
