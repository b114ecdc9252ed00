"""Time series windows: dates as signals, timeseries_dataset_from_array, multi-step models, residual wrapper, baseline, Conv1D, LSTM."""

import numpy as np
import pandas as pd
import tensorflow as tf

keras = tf.keras
keras.utils.set_random_seed(8)
rng = np.random.default_rng(8)
n = 700
t = np.arange(n)
df = pd.DataFrame(
    {
        "T": np.sin(t / 24 * 2 * np.pi) * 5 + rng.normal(0, 0.5, n) + 10,
        "p": 1000 + np.cumsum(rng.normal(0, 0.2, n)),
        "wv": np.abs(rng.normal(2, 1, n)),
        "wd": rng.random(n) * 360,
    }
)
rad = df.pop("wd") * np.pi / 180
wv = df.pop("wv")
df["Wx"], df["Wy"] = (wv * np.cos(rad), wv * np.sin(rad))
df["sin"], df["cos"] = (np.sin(t * 2 * np.pi / 24), np.cos(t * 2 * np.pi / 24))
fft = tf.signal.rfft(df["T"])
print("RESULT fft", np.abs(fft)[[1, 29, 30, 58]])
tr, va, te = (df[:490], df[490:630], df[630:])
mean, std = (tr.mean(), tr.std())
tr, va, te = ((tr - mean) / std, (va - mean) / std, (te - mean) / std)


class Window:
    def __init__(self, inw, lab, shift, cols=None):
        self.inw, self.lab, self.cols = (inw, lab, cols)
        self.total = inw + shift
        self.ci = {c: i for i, c in enumerate(tr.columns)}

    def split(self, f):
        i, l = (f[:, : self.inw, :], f[:, self.total - self.lab :, :])
        if self.cols:
            l = tf.stack([l[:, :, self.ci[c]] for c in self.cols], axis=-1)
        i.set_shape([None, self.inw, None])
        l.set_shape([None, self.lab, None])
        return (i, l)

    def make(self, d, sh=False):
        return keras.utils.timeseries_dataset_from_array(
            np.array(d, dtype=np.float32),
            None,
            sequence_length=self.total,
            sequence_stride=1,
            shuffle=sh,
            seed=3,
            batch_size=32,
        ).map(self.split)


def run(name, model, w, epochs=2):
    model.compile(
        loss=keras.losses.MeanSquaredError(),
        optimizer=keras.optimizers.Adam(),
        metrics=[keras.metrics.MeanAbsoluteError()],
    )
    h = model.fit(
        w.make(tr, True),
        epochs=epochs,
        validation_data=w.make(va),
        callbacks=[keras.callbacks.EarlyStopping(monitor="val_loss", patience=2)],
        verbose=0,
    )
    print(
        "RESULT",
        name,
        *h.history["loss"],
        *h.history["val_loss"],
        *model.evaluate(w.make(te), verbose=0),
    )


one = Window(6, 1, 1, ["T"])
wide = Window(24, 24, 1, ["T"])
multi = Window(24, 12, 12)
run(
    "linear",
    keras.Sequential(
        [keras.layers.Flatten(), keras.layers.Dense(1), keras.layers.Reshape([1, -1])]
    ),
    one,
)
run(
    "conv",
    keras.Sequential(
        [
            keras.layers.Conv1D(16, (6,), activation="relu"),
            keras.layers.Dense(8, activation="relu"),
            keras.layers.Dense(1),
        ]
    ),
    one,
)
run(
    "lstm",
    keras.Sequential([keras.layers.LSTM(16, return_sequences=True), keras.layers.Dense(1)]),
    wide,
)


class Res(keras.Model):
    def __init__(self, m):
        super().__init__()
        self.m = m

    def call(self, x, *a, **k):
        return x + self.m(x, *a, **k)


run(
    "residual",
    Res(
        keras.Sequential(
            [
                keras.layers.LSTM(16, return_sequences=True),
                keras.layers.Dense(6, kernel_initializer="zeros"),
            ]
        )
    ),
    Window(24, 24, 1),
)
run(
    "multi",
    keras.Sequential(
        [
            keras.layers.Lambda(lambda x: x[:, -3:, :]),
            keras.layers.Conv1D(32, 3, activation="relu"),
            keras.layers.Dense(12 * 6, kernel_initializer=keras.initializers.Zeros()),
            keras.layers.Reshape([12, 6]),
        ]
    ),
    multi,
)
run(
    "stacked",
    keras.Sequential(
        [
            keras.layers.Bidirectional(
                keras.layers.GRU(8, return_sequences=True, dropout=0.1, recurrent_dropout=0.1)
            ),
            keras.layers.SimpleRNN(8),
            keras.layers.RepeatVector(12),
            keras.layers.LSTM(8, return_sequences=True, stateful=False),
            keras.layers.TimeDistributed(keras.layers.Dense(6)),
        ]
    ),
    multi,
)
