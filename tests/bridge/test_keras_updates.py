"""Updates of like variables by Keras's optimizers are copies of the first one: their graphs are those of updates that are traced one by one."""

import numpy as np
import pytest

import penstock

penstock.install_as_tensorflow()

import keras  # noqa: E402  (must find the stand-in)
import tensorflow as tf  # noqa: E402

from penstock._src.bridge.keras_modules.steps import updates  # noqa: E402
from penstock._src.graph.members import repetition  # noqa: E402

SHAPES = [(4, 3), (3,), (4, 3), (), (3,), (4, 3), (), (3,), (2, 3, 4), (2, 3, 4), (6, 2)]
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
def copies(monkeypatch):
    """The parts that were copied."""
    copied = []
    copy = repetition._Part.copied
    monkeypatch.setattr(
        repetition._Part, "copied", lambda part, *args: (copied.append(part), copy(part, *args))[1]
    )
    return copied


def _variables(dtype="float32"):
    rng = np.random.default_rng(1)
    return [keras.Variable(rng.standard_normal(shape), dtype=dtype) for shape in SHAPES]


def _step(optimizer, variables):
    """A new function that minimizes a sum of the variables' squares, each one's weight its position."""

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            losses = [at * tf.reduce_sum(v.value**2) for at, v in enumerate(variables, 1)]
            loss = tf.add_n([tf.cast(each, tf.float32) for each in losses])
        optimizer.apply(tape.gradient(loss, [v.value for v in variables]), variables)

    return step


def _both(optimizer, variables, monkeypatch):
    """The concrete functions of a step: as it is, and with each update traced."""
    optimizer.build(variables)
    with_copies = _step(optimizer, variables).get_concrete_function()
    with monkeypatch.context() as patch:
        patch.setattr(updates, "_is_uniform", lambda _optimizer: False)
        return with_copies, _step(optimizer, variables).get_concrete_function()


def _assert_equal(first, second):
    graphs = first.graph, second.graph
    texts = [graph.as_graph_def(add_shapes=True).SerializeToString() for graph in graphs]
    assert texts[0] == texts[1]
    assert [id(v) for v in graphs[0].variables] == [id(v) for v in graphs[1].variables]
    captured = [[id(t) for t in graph.external_captures] for graph in graphs]
    assert captured[0] == captured[1]
    assert [op.device for op in graphs[0].get_operations()] == [
        op.device for op in graphs[1].get_operations()
    ]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_graphs_with_copies_equal_those_without(name, copies, monkeypatch):
    kind = getattr(keras.optimizers, name)
    _assert_equal(*_both(kind(0.1, **OPTIMIZERS[name]), _variables(), monkeypatch))
    assert len(copies) == len(SHAPES) - len(set(SHAPES))


@pytest.mark.parametrize(
    "rate",
    [keras.optimizers.schedules.CosineDecay(0.1, 10), lambda: 0.1],
    ids=["schedule", "function"],
)
def test_learning_rates_are_read_alike(rate, copies, monkeypatch):
    _assert_equal(*_both(keras.optimizers.Adam(rate), _variables(), monkeypatch))
    assert copies


def test_few_variables_of_an_optimizer_without_slots(copies, monkeypatch):
    # The optimizer has as many variables of its own as it trains.
    variables = _variables()[:3:2]
    _assert_equal(*_both(keras.optimizers.SGD(0.1), variables, monkeypatch))
    assert len(copies) == 1


def test_frozen_variables_and_those_of_other_kinds(copies, monkeypatch):
    variables = _variables()
    variables[2].trainable = False
    variables += _variables("float64")
    _assert_equal(*_both(keras.optimizers.Adam(), variables, monkeypatch))


def test_embeddings_and_dense_layers_train_as_before(copies, monkeypatch):
    x, y = np.arange(24).reshape(8, 3) % 5, np.linspace(0, 1, 8, dtype=np.float32)

    def trained():
        keras.utils.set_random_seed(1)
        inputs = keras.Input((3,), dtype="int32")
        values = [keras.layers.Embedding(5, 4)(inputs) for _ in range(2)]
        z = keras.layers.Flatten()(keras.layers.Add()(values))
        for _ in range(4):
            z = keras.layers.Dense(12, "tanh")(z)
        model = keras.Model(inputs, keras.layers.Dense(1)(z))
        model.compile("adam", "mse")
        model.fit(x, y, batch_size=4, epochs=3, shuffle=False, verbose=0)
        return [v.numpy() for v in (*model.variables, *model.optimizer.variables)]

    values = trained()
    assert len(copies) == 6
    monkeypatch.setattr(updates, "_is_uniform", lambda _optimizer: False)
    for value, other in zip(values, trained(), strict=True):
        np.testing.assert_array_equal(value, other)


def test_optimizers_of_users_are_traced_for_each_variable(copies):
    seen = []

    class Mine(keras.optimizers.SGD):
        def update_step(self, gradient, variable, learning_rate):
            seen.append(variable)
            super().update_step(gradient, variable, learning_rate)

    optimizer, variables = Mine(0.1), _variables()
    optimizer.build(variables)
    _step(optimizer, variables)()
    own = keras.optimizers.SGD(0.1)
    own.update_step = Mine.update_step.__get__(own)
    assert len(seen) == len(SHAPES) and not updates._is_uniform(own) and not copies


def test_a_scope_around_updates_is_seen(copies):
    optimizer, variables = keras.optimizers.SGD(0.1), _variables()
    optimizer.build(variables)

    @tf.function
    def step():
        with tf.control_dependencies([tf.constant(1.0)]):
            optimizer.apply([v.value * 1.0 for v in variables], variables)

    step()
    assert not copies
