"""Writes like Melville: a transformer that predicts the next letter of a text.

Data: Moby Dick, 1.2 million letters (public domain). `python examples/data/fetch.py moby_dick` fetches
it. The last twentieth is held out.

Result: `bits` per letter of the text held out, some 2.3: counting which letter follows which takes
3.4 (`pairs`), writing each letter by its frequency 4.4.
"""

import argparse
import pathlib
import re

import penstock as tf
import keras
import numpy as np

FETCHED = pathlib.Path(__file__).resolve().parents[2] / "build" / "examples" / "moby_dick"
LENGTH, WIDTH, HEADS, BLOCKS = 64, 96, 4, 2
L = keras.layers


def book():
    """Returns the chapters as numbers of their letters `[n]`, and the letters."""
    if not FETCHED.is_dir():
        raise SystemExit("The book is missing: python examples/data/fetch.py moby_dick")
    chapters = {int(re.sub(r"\D", "", path.stem) or 0): path for path in FETCHED.glob("*.txt")}
    text = "\n\n".join(chapters[number].read_text("utf-8") for number in sorted(chapters))
    text = re.sub(r"(?<!\n)\r?\n(?!\r?\n)", " ", text).replace("\r", "")
    usual = sorted(letter for letter in set(text) if text.count(letter) > 100)
    places = {letter: place for place, letter in enumerate(usual)}
    return np.array([places[letter] for letter in text if letter in places], "int32"), usual


class Block(L.Layer):
    """Attention to the letters before, and a dense part, each with a way around it."""

    def build(self, shape):
        self.norms = [L.LayerNormalization(), L.LayerNormalization()]
        self.attention = L.MultiHeadAttention(HEADS, WIDTH // HEADS)
        self.wide, self.narrow = L.Dense(4 * WIDTH, activation="gelu"), L.Dense(WIDTH)

    def call(self, x):
        y = self.norms[0](x)
        x = x + self.attention(y, y, use_causal_mask=True)
        return x + self.narrow(self.wide(self.norms[1](x)))


def make_model(letters):
    """Returns a network from letters `[n, LENGTH]` to the logits of what follows each of them."""
    text = keras.Input((LENGTH,), dtype="int32")
    x = L.Embedding(letters, WIDTH)(text) + L.Embedding(LENGTH, WIDTH)(keras.ops.arange(LENGTH))
    x += L.Conv1D(WIDTH, 6, padding="causal", activation="gelu")(x)
    for _ in range(BLOCKS):
        x = Block()(x)
    return keras.Model(text, L.Dense(letters)(L.LayerNormalization()(x)))


def pieces(text, batch, steps, seed):
    """Returns a dataset of batches of random pieces, each with the piece one letter later."""

    def piece(start):
        both = tf.constant(text)[start : start + LENGTH + 1]
        return both[:-1], both[1:]

    starts = tf.data.Dataset.random(seed).take(batch * steps)
    starts = starts.map(lambda number: tf.cast(number % (len(text) - LENGTH), tf.int32))
    return starts.map(piece).batch(batch, drop_remainder=True).prefetch(2)


def make_write(model):
    """Returns a function that writes the letters after a text `[LENGTH]`, at some temperature."""

    @tf.function
    def write(text, count, temperature):
        written = tf.TensorArray(tf.int32, count)
        for place in tf.range(count):
            logits = model(text[None])[0, -1] / temperature
            letter = tf.random.categorical(logits[None], 1, dtype=tf.int32)[0]
            text = tf.concat([text[1:], letter], 0)
            written = written.write(place, letter[0])
        return written.stack()

    return write


def bits_of_pairs(text, held):
    """Returns bits per letter if each is written by how often it follows the one before."""
    counts = np.full((text.max() + 1,) * 2, 0.5)
    np.add.at(counts, (text[:-1], text[1:]), 1)
    shares = counts / counts.sum(axis=1, keepdims=True)
    return -np.log2(shares[held[:-1], held[1:]]).mean()


def main(quick):
    keras.utils.set_random_seed(1)
    text, letters = book()
    first_held = len(text) * 19 // 20
    text, held = text[:first_held], text[first_held:]
    batch, steps = 32, (60 if quick else 1800)
    model = make_model(len(letters))
    rate = keras.optimizers.schedules.CosineDecay(0.0, steps, warmup_target=3e-3, warmup_steps=50)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.AdamW(rate, weight_decay=0.01), loss)
    model.fit(pieces(text, batch, steps, seed=1), verbose=2)

    rows = held[: len(held) // (LENGTH + 1) * (LENGTH + 1)].reshape(-1, LENGTH + 1)
    bits = model.evaluate(rows[:, :-1], rows[:, 1:], batch_size=64, verbose=0) / np.log(2)
    start = tf.constant(held[:LENGTH])
    written = make_write(model)(start, tf.constant(40 if quick else 400), tf.constant(0.7))
    for part in (start, written):
        print("".join(letters[i] for i in part.numpy()).replace("\n", " "))
    print(f"generation: bits {bits:.3f}, pairs {bits_of_pairs(text, held):.3f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short run")
    main(**vars(parser.parse_args()))
