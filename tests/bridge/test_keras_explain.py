"""`explain` of the functions that Keras trains and evaluates with."""

import numpy as np
import pytest

import penstock as tf

tf.install_as_tensorflow()

import keras  # noqa: E402  (must find the stand-in)

X, Y = np.ones([20, 4]), np.arange(20) % 3


@pytest.fixture
def model():
    made = keras.Sequential([keras.Input([4]), keras.layers.Dense(8), keras.layers.Dense(3)])
    made.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    made.make_train_function()
    return made


def layers_of(report):
    return {scope.split("/")[-1].split("_")[0] for k in report.kernels for scope in k.scopes}


def test_a_step_of_training_before_and_after_fit(model):
    first = model.train_function.explain(X, Y, batch_size=8)
    assert "float32[8,4], int64[8]" in first and "dense" in layers_of(first)
    model.fit(X, Y, batch_size=8, verbose=0)
    before = [np.asarray(variable.value) for variable in model.variables]
    data = tf.data.Dataset.from_tensor_slices((X.astype("float32"), Y)).batch(5)
    report = model.train_function.explain(data, time=True)
    assert "float32[None,4]" in report and "GB/s" in report
    after = [np.asarray(variable.value) for variable in model.variables]
    assert all(map(np.array_equal, before, after))


def test_a_step_of_evaluation_updates_no_weights(model):
    model.make_test_function()
    steps = model.train_function, model.test_function
    trained, tested = (step.explain(X, Y, batch_size=8) for step in steps)
    assert 0 < len(tested.kernels) < len(trained.kernels)


def test_several_steps_at_once_are_shown_as_one(model):
    model.compile("sgd", "mse", steps_per_execution=3)
    model.fit(X, np.ones([20, 3]), batch_size=4, verbose=0)
    report = model.train_function.explain(X, np.ones([20, 3]), batch_size=4)
    assert "float32[4,4]" in report and "dense" in layers_of(report)


def test_what_is_not_compiled_is_said(model):
    model.compile("sgd", "mse", run_eagerly=True)
    model.make_train_function()
    with pytest.raises(ValueError, match="run_eagerly=True"):
        model.train_function.explain(X, Y)
