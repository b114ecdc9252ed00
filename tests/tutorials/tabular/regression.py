"""Fuel consumption by regression: several losses and optimizers, L1 and L2, early stopping, sample weights."""

import numpy as np
from tensorflow import keras
from tensorflow.keras import layers, regularizers

keras.utils.set_random_seed(44)
rng = np.random.default_rng(44)
x = np.stack(
    [rng.normal(100, 30, 310), rng.normal(3, 0.8, 310), rng.integers(3, 9, 310)], 1
).astype("float32")
y = (50 - 0.1 * x[:, 0] - 4 * x[:, 1] - 0.5 * x[:, 2] + rng.normal(0, 1, 310)).astype("float32")
normalizer = layers.Normalization(axis=-1)
normalizer.adapt(x)
print("RESULT mean", normalizer.mean.numpy().ravel())
losses = {
    "mae": keras.losses.MeanAbsoluteError(),
    "huber": keras.losses.Huber(1.5),
    "logcosh": keras.losses.LogCosh(),
    "mape": keras.losses.MeanAbsolutePercentageError(),
}
optimizers = {
    "mae": keras.optimizers.Adam(0.05),
    "huber": keras.optimizers.RMSprop(0.01, momentum=0.5, centered=True),
    "logcosh": keras.optimizers.Adagrad(0.3),
    "mape": keras.optimizers.Ftrl(0.3, l1_regularization_strength=0.01),
}
for name, loss in losses.items():
    model = keras.Sequential([normalizer, layers.Dense(1)])
    model.compile(optimizers[name], loss)
    history = model.fit(x[:250], y[:250], epochs=4, validation_split=0.2, verbose=0).history
    print("RESULT linear", name, *history["loss"], *history["val_loss"])
model = keras.Sequential(
    [
        normalizer,
        layers.Dense(24, activation="relu", kernel_regularizer=regularizers.L1L2(1e-3, 1e-3)),
        layers.Dense(
            24, activation="elu", activity_regularizer=regularizers.L2(1e-3), bias_regularizer="l2"
        ),
        layers.Dense(1, kernel_constraint=keras.constraints.MaxNorm(3)),
    ]
)
model.compile(
    keras.optimizers.Adamax(0.02),
    "mse",
    metrics=["mae", keras.metrics.RootMeanSquaredError(), keras.metrics.R2Score()],
)
weight = np.where(x[:, 2] > 5, 2.0, 0.5).astype("float32")
stop = keras.callbacks.EarlyStopping("val_loss", patience=2, restore_best_weights=True)
history = model.fit(
    x[:250],
    y[:250, None],
    sample_weight=weight[:250],
    epochs=5,
    validation_split=0.2,
    callbacks=[stop],
    verbose=0,
).history
print("RESULT deep", *history["loss"], *history["val_loss"])
print(
    "RESULT evaluate",
    *model.evaluate(x[250:], y[250:, None], sample_weight=weight[250:], verbose=0),
)
print("RESULT regularized", len(model.losses) > 0)
print("RESULT predictions", model.predict(x[250:256], verbose=0).ravel())
