"""The variables that Keras's step makes in its first trace are made outside: it is traced once, and trains as in TensorFlow."""

import numpy as np
import pytest

import penstock

penstock.install_as_tensorflow()

import keras  # noqa: E402  (must find the stand-in)
import tensorflow as tf  # noqa: E402

X = np.linspace(-1, 1, 24, dtype=np.float32).reshape(8, 3)
LABELS = np.arange(8) % 2


class Counting(keras.layers.Layer):
    """Counts the traces that call it while training."""

    def __init__(self):
        super().__init__()
        self.traces = 0

    def call(self, x, training=False):
        self.traces += bool(training)
        return x * 1.0


class Slots(keras.optimizers.SGD):
    """Computes in the function as it is built, which only the first trace does."""

    def build(self, variables):
        super().build(variables)
        self.count = self.add_variable((), "zeros", name="count")
        self.count.assign_add(7.0)


def _model(optimizer, **arguments):
    keras.utils.set_random_seed(1)
    counting = Counting()
    model = keras.Sequential([keras.Input((3,)), counting, keras.layers.Dense(2)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, **arguments)
    return model, counting


def _fit(model):
    history = model.fit(X, LABELS, batch_size=4, epochs=3, shuffle=False, verbose=0)
    return history.history


@pytest.mark.parametrize("metrics", [None, ["accuracy"]])
@pytest.mark.parametrize("name", ["adam", "adagrad", "ftrl", "lion"])
def test_steps_are_traced_once(name, metrics):
    model, counting = _model(name, metrics=metrics)
    _fit(model)
    assert counting.traces == 1


@pytest.mark.parametrize(
    "arguments", [{"use_ema": True}, {"gradient_accumulation_steps": 2}, {"weight_decay": 0.1}]
)
def test_training_is_that_of_an_optimizer_built_before(arguments):
    model, _ = _model(keras.optimizers.Adam(0.1, **arguments), metrics=["accuracy"])
    other, _ = _model(keras.optimizers.Adam(0.1, **arguments), metrics=["accuracy"])
    other.optimizer.build(other.trainable_variables)
    assert _fit(model) == _fit(other)
    kinds = [[(v.path, v.dtype, v.shape) for v in m.optimizer.variables] for m in (model, other)]
    assert [k[1:] for k in kinds[0]] == [k[1:] for k in kinds[1]]
    for mine, others in zip(model.optimizer.variables, other.optimizer.variables, strict=True):
        np.testing.assert_array_equal(mine.numpy(), others.numpy())


class MakesAnother(keras.metrics.Metric):
    """Makes a metric in its update, which is a mistake."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        keras.metrics.Mean().update_state(y_pred)

    def result(self):
        return 0.0


def _classifier(metrics):
    keras.utils.set_random_seed(1)
    counting = Counting()
    model = keras.Sequential([keras.Input((3,)), counting, keras.layers.Dense(2)])
    model.compile("sgd", "mse", metrics=metrics)
    return model, counting


@pytest.mark.parametrize("weighted", [False, True])
def test_metrics_that_build_in_their_first_update_are_traced_once(weighted):
    metrics = [
        keras.metrics.F1Score(),
        keras.metrics.R2Score(),
        keras.metrics.AUC(multi_label=True),
    ]
    model, counting = _classifier([])
    model.compile("sgd", "mse", **{"weighted_metrics" if weighted else "metrics": metrics})
    targets = np.eye(2, dtype=np.float32)[LABELS]
    weights = np.linspace(0.5, 1, 8, dtype=np.float32) if weighted else None
    options = {"batch_size": 4, "sample_weight": weights, "verbose": 0}
    model.fit(X, targets, epochs=2, shuffle=False, **options)
    assert counting.traces == 1
    known = model.evaluate(X, targets, return_dict=True, **options)
    for metric in metrics:
        apart = type(metric).from_config(metric.get_config())
        apart.update_state(targets, model.predict(X, verbose=0), weights)
        np.testing.assert_allclose(known[metric.name], apart.result(), rtol=1e-5)


def test_a_metric_made_in_the_update_of_a_users_metric_is_refused():
    model, _ = _classifier([MakesAnother()])
    with pytest.raises(ValueError, match="singleton"):
        model.fit(X, np.eye(2, dtype=np.float32)[LABELS], batch_size=4, verbose=0)


def test_optimizers_of_users_build_in_a_trace_of_their_own():
    model, counting = _model(Slots(0.1))
    _fit(model)
    assert counting.traces == 2
    assert float(model.optimizer.count.numpy()) == 0.0  # as in TensorFlow


def test_a_metric_made_in_a_function_is_refused():
    @tf.function
    def mean(x):
        metric = keras.metrics.Mean()
        return metric(x)

    with pytest.raises(ValueError, match="singleton"):
        mean(tf.ones([2]))


def test_functions_of_users_are_traced_as_in_tensorflow():
    optimizer, weights = keras.optimizers.Adam(), tf.Variable([1.0, 2.0])

    @tf.function
    def step():
        optimizer.apply([2.0 * weights], [weights])

    step()
    step()
    assert step.experimental_get_tracing_count() == 2
