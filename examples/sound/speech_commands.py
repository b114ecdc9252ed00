"""Recognizes ten spoken commands: spectrograms by `tf.signal` inside the model, and convolutions.

Data: made, ten words that the synthesizer eSpeak NG speaks in eight accents, seven voices, four speeds.
`python examples/sound/speak.py` makes them. Two accents, Scottish and Caribbean, are held out; noise,
shifts and loudness vary at random, when the network learns and when it is tested.

Result: `accuracy` on the accents held out, some 0.95, where the noise is a tenth as loud as the word.
"""

import argparse
import pathlib

import penstock as tf
import keras
import numpy as np

SPOKEN = pathlib.Path(__file__).resolve().parents[2] / "build" / "examples" / "words.npz"
HELD = (2, 5)
L = keras.layers


class LogMel(L.Layer):
    """Sound `[n, samples]`, 8,000 a second, to the logarithm of its energy in 40 bands `[n, t, 40]`."""

    def build(self, shape):
        self.bands = tf.signal.linear_to_mel_weight_matrix(40, 129, 8000, 60.0, 3900.0)

    def call(self, sound):
        spectrum = tf.abs(tf.signal.stft(sound, frame_length=256, frame_step=96))
        return tf.math.log(tf.square(spectrum) @ self.bands + 1e-4)


def disturbed(sounds, random):
    """Returns sounds shifted by up to 0.15 s, of other loudness, with noise `[n, samples]`."""
    shifts = random.integers(0, 1200, len(sounds))
    moved = np.stack([np.roll(sound, shift) for sound, shift in zip(sounds, shifts)])
    loud = np.abs(moved).mean(axis=1, keepdims=True) + 1e-6
    noise = random.normal(size=moved.shape) * loud * random.uniform(0, 0.4, loud.shape)
    return ((moved + noise) * random.uniform(0.3, 1.5, loud.shape)).astype("float32")


def make_model(samples, words):
    """Returns a network from sound to the logits of words."""
    sound = keras.Input((samples,))
    x = L.Reshape((-1, 40, 1))(L.BatchNormalization(momentum=0.9)(LogMel()(sound)))
    for filters in (16, 32, 48):
        x = L.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = L.MaxPooling2D()(L.ReLU()(L.BatchNormalization(momentum=0.9)(x)))
    x = L.Dropout(0.4)(L.Flatten()(L.AveragePooling2D((2, 1))(x)))
    return keras.Model(sound, L.Dense(words)(x))


def draw(path, model, sounds, words):
    """Writes a picture of the spectrograms of a speaker's words."""
    import matplotlib.pyplot as plt

    mel = next(layer for layer in model.layers if isinstance(layer, LogMel))
    figure, rows = plt.subplots(2, 5, figsize=(7.2, 3.2), layout="constrained")
    for axes, sound, word in zip(rows.flat, sounds, words):
        axes.imshow(mel(sound[None])[0].numpy().T, origin="lower", aspect="auto", cmap="magma")
        axes.set(title=word, xticks=[], yticks=[])
    figure.savefig(path)


def main(quick, picture):
    if not SPOKEN.is_file():
        raise SystemExit("The words are missing: python examples/sound/speak.py")
    keras.utils.set_random_seed(1)
    random = np.random.default_rng(1)
    data = np.load(SPOKEN)
    sounds, labels, words = data["sounds"] / np.float32(32768), data["labels"], data["words"]
    held = np.isin(data["accents"], HELD)
    training, answers = sounds[~held], labels[~held]
    if quick:
        training, answers = training[::4], answers[::4]
    epochs, batch = (2 if quick else 12), 32
    steps = epochs * (len(training) // batch)
    model = make_model(sounds.shape[1], len(words))
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(3e-3, steps)),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    for _ in range(epochs):
        model.fit(disturbed(training, random), answers, batch, verbose=2)

    test = disturbed(sounds[held], np.random.default_rng(2))
    found = model.predict(test, verbose=0).argmax(axis=1)
    if picture:
        first = np.flatnonzero(held)
        one_each = [first[labels[held] == number][1] for number in range(len(words))]
        draw(picture, model, sounds[one_each], words)
    for number, word in enumerate(words):
        mistaken = found[(labels[held] == number) & (found != number)]
        if len(mistaken):
            others = ", ".join(words[i] for i in np.unique(mistaken))
            print(f"{word}: {len(mistaken)} of {np.sum(labels[held] == number)} heard as {others}")
    print(f"speech_commands: accuracy {np.mean(found == labels[held]):.4f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short run on little data")
    parser.add_argument("--picture", metavar="FILE", help="writes a picture of ten words")
    main(**vars(parser.parse_args()))
