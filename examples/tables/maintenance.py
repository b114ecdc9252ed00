"""Tells how long a machine will run before it fails: predictive maintenance with dilated convolutions.

Data: made, the readings of 300 bearings that wear out by a random walk. Wear grows with load and with
wear itself. Sensors see vibration, temperature, current and load, each with noise; temperature follows
the weather as well. A bearing fails when its wear reaches 1. 60 bearings are held out.

Result: `error` of the hours left, the mean absolute one, counted up to 120, some 12; `line`, that of one
fitted to the hours run and the latest readings, some 17; and `warned`, how many failures a warning
at an estimate of 24 hours precedes.
"""

import argparse

import keras
import numpy as np

L = keras.layers
WINDOW, MOST = 48, 120.0


def life(random):
    """Returns what a bearing's sensors read each hour until it fails `[hours, 4]`."""
    wear, wears, loads = random.uniform(0.0, 0.1), [], []
    load, pace = random.uniform(0.5, 1.0), random.uniform(0.6, 1.6)
    while wear < 1:
        load = np.clip(load + random.normal(0, 0.05), 0.3, 1.2)
        wear += pace * load * (0.001 + 0.012 * wear) * random.gamma(2.0, 0.5)
        wears.append(wear)
        loads.append(load)
    wears, loads, hours = np.array(wears), np.array(loads), np.arange(len(wears))
    weather = 8 * np.sin((hours + random.integers(24)) * 2 * np.pi / 24) + random.normal(0, 5)
    sensors = [
        (0.5 + 2 * wears**2) * loads * random.lognormal(0, 0.3, len(wears)),
        40 + weather + 25 * loads + 12 * wears + random.normal(0, 3, len(wears)),
        3 + 4 * loads * (1 + 0.3 * wears) + random.normal(0, 0.4, len(wears)),
        loads + random.normal(0, 0.05, len(wears)),
    ]
    return np.stack(sensors, axis=1).astype("float32")


def windows(lives):
    """Returns the last WINDOW hours at each hour `[n, WINDOW, 4]`, the hours run and those left `[n]`."""
    seen, run, left = [], [], []
    for readings in lives:
        for end in range(WINDOW, len(readings) + 1):
            seen.append(readings[end - WINDOW : end])
            run.append(end)
            left.append(min(len(readings) - end, MOST))
    return np.stack(seen), np.array(run, "float32"), np.array(left, "float32")


def make_model(training):
    """Returns a network from windows to the hours left."""
    scaled = L.Normalization(axis=-1)
    scaled.adapt(training)
    window = keras.Input((WINDOW, 4))
    x = scaled(window)
    for filters, dilation in [(32, 1), (32, 2), (32, 4), (32, 8)]:
        x = L.Conv1D(filters, 3, padding="causal", dilation_rate=dilation, activation="relu")(x)
    x = L.Concatenate()([L.GlobalAveragePooling1D()(x), x[:, -1]])
    x = L.Dense(32, activation="relu")(L.Dropout(0.2)(x))
    return keras.Model(window, MOST * keras.ops.sigmoid(L.Dense(1)(x))[:, 0])


def fitted_line(seen, run, left):
    """Returns a least-squares line from hours run and the means of the last day to hours left."""
    columns = np.column_stack([np.ones(len(run)), run, seen[:, -24:].mean(axis=1)])
    return np.linalg.lstsq(columns, left, rcond=None)[0]


def draw(path, lives, model):
    """Writes a chart of the estimates along the lives of some bearings."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 4, sharey=True, figsize=(7.2, 2.6), layout="constrained")
    for place, readings in zip(axes, lives):
        seen, run, left = windows([readings])
        place.plot(run, left, color="#444", ls="--", lw=1, label="left")
        place.plot(run, model.predict(seen, verbose=0), color="#0b7285", lw=1.2, label="estimate")
        place.axhline(24, color="#f08c00", lw=0.8)
        place.set(xlabel="hours run")
    axes[0].set_ylabel("hours left, up to 120")
    axes[0].legend(frameon=False)
    figure.savefig(path)


def main(quick, picture):
    keras.utils.set_random_seed(1)
    random = np.random.default_rng(1)
    lives = [life(random) for _ in range(60 if quick else 300)]
    count = len(lives) // 5
    held, training = lives[:count], lives[count:]
    seen, run, left = windows(training)
    model = make_model(seen)
    epochs, batch = 2 if quick else 8, 64
    rate = keras.optimizers.schedules.CosineDecay(2e-3, epochs * len(seen) // batch)
    model.compile(keras.optimizers.Adam(rate), "mean_absolute_error")
    model.fit(seen, left, batch, epochs, verbose=2)

    held_seen, held_run, held_left = windows(held)
    estimates = model.predict(held_seen, verbose=0)
    if picture:
        draw(picture, held[:4], model)
    line = fitted_line(seen, run, left)
    columns = np.column_stack([np.ones(len(held_run)), held_run, held_seen[:, -24:].mean(axis=1)])
    simple = np.abs(np.clip(columns @ line, 0, MOST) - held_left).mean()
    ends = np.flatnonzero(held_left == 0)
    warned = np.mean([np.any(estimates[max(end - 48, 0) : end - 5] < 24) for end in ends])
    error = np.abs(estimates - held_left).mean()
    print(f"maintenance: error {error:.2f}, line {simple:.2f}, warned {warned:.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short run on little data")
    parser.add_argument("--picture", metavar="FILE", help="writes a picture of four lives")
    main(**vars(parser.parse_args()))
