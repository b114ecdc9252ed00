"""Tokens a second that the server generates with a model of GPT-2's size, for several sequences at a time and one by one.

`python -m bench.serving.generation` writes the model (random weights, half a gigabyte) into build/gpt2 unless it is there, and prints a table. Protocols
are left out.
"""

import argparse
import pathlib
import threading
import time

import numpy as np

import penstock as tf
from penstock._src.language.sampling import Sampling
from penstock._src.serving.generation.generator import Generator
from penstock._src.serving.generation.options import GenerationOptions
from penstock._src.serving.generation.sequence import on_thread
from penstock._src.serving.servables.formats.table import load

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "build" / "gpt2" / "1"
LAYERS, HEADS, SIZE, LENGTH, VOCABULARY = 12, 12, 64, 1024, 50257
WIDTH = HEADS * SIZE
PROMPT, TOKENS = 64, 64
SLOTS = 16


class Gpt2(tf.Module):
    """GPT-2 small with random weights; the last matrix is the embedding's."""

    def __init__(self):
        super().__init__()
        random = np.random.default_rng(0)

        def matrix(*shape):
            return tf.Variable(random.standard_normal(shape, np.float32) * 0.02)

        def zeros(size):
            return tf.Variable(tf.zeros([size]))

        sizes = {
            "qkv": (WIDTH, 3 * WIDTH), "out": (WIDTH, WIDTH),
            "up": (WIDTH, 4 * WIDTH), "down": (4 * WIDTH, WIDTH),
        }  # fmt: skip
        self.tokens, self.places = matrix(VOCABULARY, WIDTH), matrix(LENGTH, WIDTH)
        self.layers = [
            {
                **{name: matrix(*shape) for name, shape in sizes.items()},
                **{f"{name}_bias": zeros(shape[1]) for name, shape in sizes.items()},
            }
            for _ in range(LAYERS)
        ]

    def __call__(self, tokens, positions, attend):
        """Returns the logits after each token."""
        x = tf.gather(self.tokens, tokens) + tf.gather(self.places, positions)
        heads = tf.concat([tf.shape(tokens), [HEADS, SIZE]], 0)
        for layer in self.layers:
            qkv = _norm(x) @ layer["qkv"] + layer["qkv_bias"]
            mixed = attend(*[tf.reshape(part, heads) for part in tf.split(qkv, 3, -1)])
            x += tf.reshape(mixed, tf.shape(x)) @ layer["out"] + layer["out_bias"]
            wide = tf.nn.gelu(_norm(x) @ layer["up"] + layer["up_bias"], approximate=True)
            x += wide @ layer["down"] + layer["down_bias"]
        return tf.matmul(_norm(x), self.tokens, transpose_b=True)


def _norm(x):
    centered = x - tf.reduce_mean(x, -1, keepdims=True)
    return centered * tf.math.rsqrt(tf.reduce_mean(centered**2, -1, keepdims=True) + 1e-5)


def generated(generator, count):
    """Generates sequences at a time; returns seconds to the first token of the last one, and to the end."""
    random = np.random.default_rng(1)
    start = time.perf_counter()
    sequences = [
        generator.start(
            random.integers(0, VOCABULARY, PROMPT).tolist(), Sampling(0.0), TOKENS, (), on_thread, threading.Event()
        )
        for _ in range(count)
    ]  # fmt: skip
    for sequence in sequences:
        sequence.waiter.wait()
        assert sequence.error is None and len(sequence.tokens) == TOKENS
    first = max(sequence.times[2] - sequence.times[0] for sequence in sequences)
    return first, time.perf_counter() - start, sequences


def main(rounds, folder):
    """Prints the table."""
    if not (folder / "saved_model.pb").exists():
        tf.serving.export_generator(Gpt2(), str(folder), length=LENGTH, slots=SLOTS)
    start = time.perf_counter()
    generator = Generator(load(str(folder)), GenerationOptions())
    rows = generator.engine.model.sizes
    print(f"loaded and prepared in {time.perf_counter() - start:.1f} s; batches of {rows} rows")
    best, first, alone = {}, {}, {}
    for _ in range(rounds):
        for count in (1, 4, SLOTS):
            waited, seconds, sequences = generated(generator, count)
            best[count] = max(best.get(count, 0.0), count * TOKENS / seconds)
            first[count] = min(first.get(count, np.inf), waited)
            alone.setdefault(tuple(sequences[0].prompt), sequences[0].tokens)
            assert alone[tuple(sequences[0].prompt)] == sequences[0].tokens
    print(f"prompts of {PROMPT} tokens, {TOKENS} tokens after them, best of {rounds} rounds")
    print("| sequences at a time | tokens/s | against one by one | last first token |")
    print("|---|---|---|---|")
    for count, rate in best.items():
        print(f"| {count} | {rate:.1f} | {rate / best[1]:.2f} | {1e3 * first[count]:.0f} ms |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=pathlib.Path, default=FOLDER)
    main(**vars(parser.parse_args()))
