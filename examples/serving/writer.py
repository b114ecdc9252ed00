"""Writes like Python's documentation, for several readers at a time.

A transformer learns to predict the next letter of the texts in `pydoc_data.topics`, which every Python
has, and is written with the functions that generation needs. A server then answers several requests at
a time, each as a stream; with `--stay` it goes on, and its page at /v1/models/writer/chat talks to it.

Result: `bits` per letter of the text held out; `same` is 1 if what was written among others is what is
written alone.
"""

import argparse
import concurrent.futures
import json
import pydoc_data.topics
import re
import urllib.request

import penstock as tf
import keras
import numpy as np

LENGTH, WIDTH, HEADS, BLOCKS = 128, 96, 4, 2
PROMPTS = ["The ", "A class ", "If the ", "import "]
L = keras.layers


def documentation():
    """Returns the texts as numbers of their letters `[n]`, and the letters."""
    topics = pydoc_data.topics.topics
    text = "\n".join(topics[name] for name in sorted(topics))
    text = re.sub(r"[*=~^\"-]{4,}", "", text)
    letters = sorted(letter for letter in set(text) if text.count(letter) > 50)
    places = {letter: place for place, letter in enumerate(letters)}
    return np.array([places[letter] for letter in text if letter in places], "int32"), letters


def make_model(letters):
    """Returns a network from letters and their positions `[n, t]` to logits of what follows."""
    text, positions = keras.Input([None], dtype="int32"), keras.Input([None], dtype="int32")
    x = L.Embedding(letters, WIDTH)(text) + L.Embedding(LENGTH, WIDTH)(positions)
    for _ in range(BLOCKS):
        y = L.LayerNormalization()(x)
        x = x + L.MultiHeadAttention(HEADS, WIDTH // HEADS)(y, y, use_causal_mask=True)
        y = L.LayerNormalization()(x)
        x = x + L.Dense(WIDTH)(L.Dense(4 * WIDTH, activation="gelu")(y))
    return keras.Model([text, positions], L.Dense(letters)(L.LayerNormalization()(x)))


def pieces(text, batch, steps):
    """Returns a dataset of batches of random pieces, each with the piece one letter later."""

    def piece(start):
        both = tf.constant(text)[start : start + LENGTH + 1]
        return (both[:-1], tf.range(LENGTH)), both[1:]

    starts = tf.data.Dataset.random(1).take(batch * steps)
    starts = starts.map(lambda number: tf.cast(number % (len(text) - LENGTH), tf.int32))
    return starts.map(piece).batch(batch, drop_remainder=True).prefetch(2)


def written(port, prompt):
    """Returns what the server writes after a prompt, read as it comes."""
    asked = {"prompt": prompt, "max_tokens": 100, "temperature": 0.7, "seed": 1, "stream": True}
    url = f"http://127.0.0.1:{port}/v1/models/writer:generate"
    with urllib.request.urlopen(url, json.dumps(asked).encode()) as reply:
        events = [json.loads(line.removeprefix(b"data: ")) for line in reply if line.strip()]
    return "".join(event["text"] for event in events)


def main(quick, stay, folder):
    keras.utils.set_random_seed(1)
    text, letters = documentation()
    first_held = len(text) * 19 // 20
    text, held = text[:first_held], text[first_held:]
    batch, steps = (8, 20) if quick else (16, 1500)
    model = make_model(len(letters))
    rate = keras.optimizers.schedules.CosineDecay(0.0, steps, warmup_target=3e-3, warmup_steps=10)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.AdamW(rate, weight_decay=0.01), loss)
    model.fit(pieces(text, batch, steps), verbose=2)
    rows = held[: len(held) // (LENGTH + 1) * (LENGTH + 1)].reshape(-1, LENGTH + 1)
    rows = rows[: 8 if quick else 200]
    places = np.broadcast_to(np.arange(LENGTH, dtype="int32"), rows[:, 1:].shape)
    bits = model.evaluate([rows[:, :-1], places], rows[:, 1:], batch_size=8, verbose=0) / np.log(2)

    chat = {"user": ("", "\n"), "assistant": ("", "\n")}
    tf.serving.export_generator(
        model, f"{folder}/1", length=LENGTH, slots=8, tokenizer=letters, chat=chat
    )
    served = (tf.serving.ModelConfig("writer", folder),)
    options = tf.serving.Options(served, rest_port=8501 if stay else 0, grpc_port=-1)
    with tf.serving.running(options) as server:
        with concurrent.futures.ThreadPoolExecutor(len(PROMPTS)) as readers:
            together = list(readers.map(lambda prompt: written(server.rest_port, prompt), PROMPTS))
        alone = [written(server.rest_port, prompt) for prompt in PROMPTS]
        for prompt, rest in zip(PROMPTS, together, strict=True):
            print(repr(prompt + rest))
        if stay:
            print(f"http://localhost:{server.rest_port}/v1/models/writer/chat, until Enter")
            input()
    print(f"writer: bits {bits:.3f}, same {int(together == alone)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short run")
    parser.add_argument("--stay", action="store_true", help="go on serving until Enter")
    parser.add_argument("--folder", default="build/served/writer", help="where the model is put")
    main(**vars(parser.parse_args()))
