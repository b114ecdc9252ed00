"""K-fold cross validation that clears the session after each fold, with the memory it takes watched; the best fold is kept."""

import gc
import resource

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(232)
rng = np.random.default_rng(232)
x = rng.normal(size=(120, 8)).astype("float32")
y = ((x[:, 0] * x[:, 1] > 0) ^ (x[:, 2] > 0.5)).astype("int32")


def folds(count, k):
    """Indices of training and validation, each class spread over all folds."""
    place = np.empty(count, int)
    for kind in (0, 1):
        of_kind = rng.permutation(np.flatnonzero(y == kind))
        place[of_kind] = np.arange(len(of_kind)) % k
    for fold in range(k):
        yield np.flatnonzero(place != fold), np.flatnonzero(place == fold)


def build(width, rate):
    model = keras.Sequential(
        [
            keras.Input((8,)),
            layers.Dense(width, activation="elu"),
            layers.GaussianNoise(0.1),
            layers.Dense(width, activation="selu", kernel_initializer="lecun_normal"),
            layers.AlphaDropout(0.1),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(
        keras.optimizers.Adam(rate),
        keras.losses.BinaryFocalCrossentropy(),
        metrics=["accuracy", keras.metrics.F1Score(threshold=0.5, name="f1")],
    )
    return model


def memory():
    gc.collect()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # MB


results, best, grown = [], None, []
for width, rate in ((8, 0.02), (16, 0.01)):
    scores = []
    for fold, (train, test) in enumerate(folds(len(x), 4)):
        keras.backend.clear_session()
        keras.utils.set_random_seed(fold)
        model = build(width, rate)
        data = tf.data.Dataset.from_tensor_slices((x[train], y[train, None]))
        history = model.fit(
            data.shuffle(90, seed=fold).batch(22).prefetch(1),
            validation_data=(x[test], y[test, None]),
            epochs=2,
            verbose=0,
        )
        values = model.evaluate(x[test], y[test, None], verbose=0, return_dict=True)
        scores.append(values["loss"])
        if best is None or values["loss"] < best[0]:
            best = (values["loss"], width, model.get_weights())
        print(
            "RESULT fold",
            width,
            fold,
            history.history["loss"][-1],
            *values.values(),
            model.layers[0].name,
        )
        grown.append(memory())
        del model
    results.append((np.mean(scores), np.std(scores)))
    print("RESULT width", width, *results[-1])
print("RESULT grows", (grown[-1] - grown[3]) / 4 > 30.0)
keras.backend.clear_session()
final = build(best[1], 0.01)
final.set_weights(best[2])
print("RESULT best", best[0], best[1], float(final.predict(x, verbose=0).mean()), final.name)
