"""Finds what is unusual in a sensor's readings: an autoencoder that has seen usual ones only.

Data: 18,914 readings of four wireless sensors, two of them near steam (Suthaharan et al., CC BY 4.0).
`python examples/data/fetch.py sensors` fetches them. A kettle's steam disturbed two of the sensors;
the two that were left alone are learned from. The readings in steam are labelled, and the labels only
used to judge.

Result: `precision` and `recall` of the windows of the other two that hold steam, with a threshold
that 0.2 % of the usual windows exceed: some 0.9 each.
"""

import argparse
import pathlib

import penstock as tf
import keras
import numpy as np
import pandas

FETCHED = pathlib.Path(__file__).resolve().parents[2] / "build" / "examples" / "sensors"
LENGTH = 16
L = keras.layers


def readings():
    """Returns humidity and temperature `[n, 2]` and labels `[n]` of each sensor, by its number."""
    if not FETCHED.is_dir():
        raise SystemExit("The readings are missing: python examples/data/fetch.py sensors")
    table = pandas.read_csv(FETCHED / "data.csv")
    columns = ["humidity", "temperature"]
    return {
        sensor: (rows[columns].to_numpy("float32"), rows["label"].to_numpy())
        for sensor, rows in table.groupby("mote_id")
    }


def windows(values):
    """Returns all windows of consecutive rows `[n - LENGTH + 1, LENGTH, ...]`."""
    return np.stack([values[i : len(values) - LENGTH + 1 + i] for i in range(LENGTH)], 1)


def make_model():
    """Returns a network that passes a window through four numbers, less the window's own mean."""
    window = keras.Input((LENGTH, 2))
    mean = keras.ops.mean(window, axis=1, keepdims=True)
    x = L.Flatten()(window - mean)
    for width in (32, 4, 32):
        x = L.Dense(width, activation="tanh" if width == 4 else "relu")(x)
    return keras.Model(window, L.Reshape((LENGTH, 2))(L.Dense(2 * LENGTH)(x)) + mean)


def make_score(model, scale):
    """Returns a function from windows to how badly the model tells them again `[n]`."""

    @tf.function
    def score(rows):
        wrong = (model(rows) - rows) / scale
        return tf.reduce_mean(wrong**2, axis=[1, 2])

    return score


def draw(path, values, labels, scores, threshold):
    """Writes a chart of a sensor's readings and scores around the labelled ones."""
    import matplotlib.pyplot as plt

    labelled = np.flatnonzero(labels)
    shown = slice(labelled[0] - 150, labelled[-1] + 150)
    place = np.arange(len(values))[shown]
    figure, (above, below) = plt.subplots(2, 1, sharex=True, figsize=(7.2, 4), layout="constrained")
    above.plot(place, values[shown, 0], color="#0b7285", label="humidity, %")
    above.plot(place, values[shown, 1], color="#5f3dc4", label="temperature, C")
    below.semilogy(place, scores[shown], color="#f08c00", label="score")
    below.axhline(threshold, color="#444", lw=0.8, ls="--", label="threshold")
    below.set(xlabel="reading")
    for axes in (above, below):
        axes.axvspan(labelled[0], labelled[-1], color="#ddd", lw=0)
        axes.legend(frameon=False, loc="upper left")
    figure.savefig(path)


def main(quick, picture):
    keras.utils.set_random_seed(1)
    sensors = readings()
    usual = np.concatenate([windows(sensors[number][0]) for number in (2, 3)])
    order = np.random.default_rng(1).permutation(len(usual))
    training, checking = usual[order[1500:]], usual[order[:1500]]
    scale = np.mean(np.abs(np.diff(training, axis=1)), axis=(0, 1)) + np.float32(0.05)
    model = make_model()
    model.compile(keras.optimizers.Adam(2e-3), lambda y, x: tf.reduce_mean(((y - x) / scale) ** 2))
    model.fit(training, training, 64, 3 if quick else 25, verbose=2)

    score = make_score(model, scale)
    threshold = np.quantile(score(checking), 0.998)
    found, true = [], []
    for number in (1, 4):
        values, labels = sensors[number]
        scores = score(windows(values)).numpy()
        found.append(scores > threshold)
        true.append(windows(labels).any(axis=1))
        if picture and number == 1:
            padded = np.concatenate([np.full(LENGTH - 1, scores[0]), scores])
            draw(picture, values, labels, padded, threshold)
    found, true = np.concatenate(found), np.concatenate(true)
    hits = np.sum(found & true)
    print(f"sensors: precision {hits / found.sum():.3f}, recall {hits / true.sum():.3f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short run on little data")
    parser.add_argument("--picture", metavar="FILE", help="writes a picture of one sensor")
    main(**vars(parser.parse_args()))
