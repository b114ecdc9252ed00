"""Callbacks: files that other programs read, and training that stops when it should."""

import csv

import keras
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import penstock as tf

L = keras.layers


@pytest.fixture
def model():
    model = keras.Sequential(
        [keras.Input((4,)), L.Dense(8, activation="relu", name="hidden"), L.Dense(2, name="last")]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.05), loss, metrics=["accuracy"])
    return model


@pytest.fixture
def data(random):
    x = random.normal(size=(64, 4)).astype("float32")
    return x, (x[:, 0] > 0).astype("int32")


def test_tensorboard(model, data, tmp_path):
    callback = keras.callbacks.TensorBoard(
        tmp_path, histogram_freq=1, write_graph=True, write_images=True, update_freq=1
    )
    history = model.fit(
        *data, validation_data=data, epochs=3, callbacks=[callback], verbose=0
    ).history
    logs = {}
    for part in ("train", "validation"):
        logs[part] = EventAccumulator(str(tmp_path / part), size_guidance={"tensors": 0})
        logs[part].Reload()
    train = logs["train"]
    points = [tf.make_ndarray(p.tensor_proto) for p in train.Tensors("epoch_loss")]
    np.testing.assert_allclose(points, history["loss"], rtol=1e-6)
    assert [p.step for p in train.Tensors("epoch_loss")] == [0, 1, 2]
    points = [tf.make_ndarray(p.tensor_proto) for p in logs["validation"].Tensors("epoch_accuracy")]
    np.testing.assert_allclose(points, history["val_accuracy"], rtol=1e-6)
    tags = set(train.Tags()["tensors"])
    names = {"sequential/hidden/kernel/histogram", "sequential/last/bias/histogram"}
    assert names | {"sequential/hidden/kernel/image", "keras"} <= tags  # "keras": the model's graph
    assert "batch_loss" in tags and len(train.Tensors("batch_loss")) == 6
    kernel = tf.make_ndarray(train.Tensors("sequential/hidden/kernel/histogram")[-1].tensor_proto)
    assert kernel.shape[1] == 3 and kernel[:, 2].sum() == 32


def test_graph_of_a_training_step(model, data, tmp_path):
    """What TensorBoard shows under Graphs."""
    x, y = data

    @tf.function
    def step(x):
        return model(x)

    with tf.summary.create_file_writer(str(tmp_path)).as_default():
        tf.summary.graph(step.get_concrete_function(x).graph)
    logs = EventAccumulator(str(tmp_path))
    logs.Reload()
    assert logs.Tags()["graph"]
    assert {"MatMul", "Relu"} <= {node.op for node in logs.Graph().node}


def test_checkpoint_keeps_the_best(model, data, tmp_path):
    path = tmp_path / "best.keras"
    weights = tmp_path / "{epoch:02d}.weights.h5"
    callbacks = [
        keras.callbacks.ModelCheckpoint(path, monitor="val_loss", save_best_only=True),
        keras.callbacks.ModelCheckpoint(weights, save_weights_only=True),
    ]
    history = model.fit(
        *data, validation_data=data, epochs=4, callbacks=callbacks, verbose=0
    ).history
    best = keras.models.load_model(path)
    assert best.evaluate(*data, verbose=0)[0] == pytest.approx(min(history["val_loss"]), rel=1e-5)
    assert len(list(tmp_path.glob("*.weights.h5"))) == 4
    before = model.predict(data[0], verbose=0)
    model.load_weights(tmp_path / "01.weights.h5")
    assert np.abs(model.predict(data[0], verbose=0) - before).max() > 1e-3
    model.load_weights(tmp_path / "04.weights.h5")
    np.testing.assert_allclose(model.predict(data[0], verbose=0), before, rtol=1e-6)
    # Training goes on from a file, with the optimizer's state.
    assert best.fit(*data, epochs=1, verbose=0).history["loss"][0] < history["loss"][0]
    assert best.optimizer.iterations.numpy() > 2


def test_early_stopping_restores_the_best(model, data):
    x, y = data
    stop = keras.callbacks.EarlyStopping(patience=2, min_delta=10.0, restore_best_weights=True)
    history = model.fit(
        x, y, validation_data=(x, y), epochs=20, callbacks=[stop], verbose=0
    ).history
    assert len(history["loss"]) == 3 and stop.stopped_epoch == 2
    assert model.evaluate(x, y, verbose=0)[0] == pytest.approx(history["val_loss"][0], rel=1e-5)


def test_csv_logger(model, data, tmp_path):
    path = tmp_path / "log.csv"
    history = model.fit(
        *data, epochs=3, callbacks=[keras.callbacks.CSVLogger(path)], verbose=0
    ).history
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == [0, 1, 2]
    np.testing.assert_allclose([float(row["loss"]) for row in rows], history["loss"], rtol=1e-6)


def test_rates_change(model, data):
    rates = []
    model.fit(
        *data,
        epochs=4,
        verbose=0,
        callbacks=[
            keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.1 / (epoch + 1)),
            keras.callbacks.LambdaCallback(
                on_epoch_end=lambda epoch, logs: rates.append(float(model.optimizer.learning_rate))
            ),
        ],
    )
    np.testing.assert_allclose(rates, [0.1, 0.05, 0.1 / 3, 0.025], rtol=1e-6)
    callback = keras.callbacks.ReduceLROnPlateau("loss", factor=0.1, patience=1, min_delta=10.0)
    model.fit(*data, epochs=3, callbacks=[callback], verbose=0)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.025 * 0.01, rel=1e-5)


def test_progress_bar(model, data, capsys):
    model.fit(*data, epochs=2, verbose=1)
    said = capsys.readouterr().out
    assert "Epoch 2/2" in said and "accuracy" in said and "2/2" in said
