"""Finds persons and places in sentences: a bidirectional LSTM over words and the letters of each.

Data: made, of parts of sentences, with first names, states of the USA and their capitals
(lists of stdlib for JavaScript, CC0). `python examples/data/fetch.py` fetches the lists. Some names are
both a person's and a place's (Virginia, Austin, Jackson), and neither the names nor the sentences of
the test are among those learned from: the words around a name must decide.

Result: `f1`, of whole names with the right kind, in the sentences of the test, some 1.0: few parts make up all sentences.
"""

import argparse
import itertools
import pathlib

import penstock as tf  # noqa: F401, Keras's backend
import keras
import numpy as np

FETCHED = pathlib.Path(__file__).resolve().parents[2] / "build" / "examples"
KINDS = ["other", "person", "place"]
WORDS, LETTERS = 32, 12
L = keras.layers
STARTS = ["", "yesterday", "they say that", "in L", "according to P ,", "when P left ,", "near L"]
STARTS += ["P heard that", "people in L hope that", "after the war"]
MIDDLES = """P wrote a long letter to P
P met P
the train to L was late
it rained for three days
the mayor of L thanked P
farmers sold their apples to P and P
the roads around L were closed
P 's brother worked for a bank
P and P ran a bakery
L was a small town
nobody knew P""".splitlines()
ENDS = [".", "in L .", "outside L .", ", said P .", "on the way from L to L .", "with P ."]
ENDS += ["because P asked for it .", ", which made L famous .", ", but P did not mind ."]


def names(*folders):
    """Returns the names in lists, in a fixed random order."""
    paths = [path for folder in folders for path in sorted((FETCHED / folder).glob("*.txt"))]
    if len(paths) < len(folders):
        raise SystemExit(f"Names are missing: python examples/data/fetch.py {' '.join(folders)}")
    found = {name for path in paths for name in path.read_text("utf-8").split("\n")} - {""}
    return np.random.default_rng(1).permutation(sorted(found)).tolist()


def with_names(sentences, persons, places, count, random):
    """Returns sentences with names in place of P and L: lists of words, and of their kinds."""
    texts, kinds = [], []
    for _ in range(count):
        words, tags = [], []
        for word in sentences[random.integers(len(sentences))].split():
            lists = {"P": ("person", persons), "L": ("place", places)}
            kind, choices = lists.get(word, ("other", [word]))
            name = choices[random.integers(len(choices))].split()
            words += name
            tags += [kind] * len(name)
        texts.append(words)
        kinds.append(tags)
    return texts, kinds


def encoded(texts, places):
    """Returns the numbers of words `[n, w]` and of their last letters `[n, w, LETTERS]`.

    Names are many and each is rare, so words with a capital letter have no numbers of their own.
    """
    words = np.zeros((len(texts), WORDS), "int32")
    letters = np.zeros((len(texts), WORDS, LETTERS), "int32")
    for row, text in enumerate(texts):
        for place, word in enumerate(text):
            words[row, place] = 1 if word[0].isupper() else places.get(word, 2)
            codes = [min(ord(letter), 127) for letter in word[-LETTERS:]]
            letters[row, place, : len(codes)] = codes
    return [words, letters]


def make_model(known):
    """Returns a network from words and letters to the logits of kinds `[n, w, 3]`."""
    words = keras.Input((WORDS,), dtype="int32")
    letters = keras.Input((WORDS, LETTERS), dtype="int32")
    spelled = L.Conv2D(24, (1, 3), padding="same", activation="relu")(L.Embedding(128, 12)(letters))
    both = L.Concatenate()([L.Embedding(known, 32)(words), keras.ops.max(spelled, axis=2)])
    x = L.Bidirectional(L.LSTM(48, return_sequences=True))(L.Dropout(0.4)(both))
    return keras.Model([words, letters], L.Dense(len(KINDS))(L.Dropout(0.4)(x)))


def spans(tags):
    """Returns the names in a sentence: first word, the word behind, and kind of each."""
    edges = [0, *(i for i in range(1, len(tags)) if tags[i] != tags[i - 1]), len(tags)]
    return {(a, b, tags[a]) for a, b in zip(edges, edges[1:]) if tags[a] != "other"}


def main(quick):
    keras.utils.set_random_seed(1)
    random = np.random.default_rng(1)
    parts = itertools.product(STARTS, MIDDLES, ENDS)
    sentences = random.permutation([" ".join(part) for part in parts]).tolist()
    held = len(sentences) // 5
    persons, places = names("female_names", "male_names"), names("states", "capitals")
    count, epochs = (1000, 2) if quick else (6000, 4)
    texts, kinds = with_names(sentences[held:], persons[1000:], places[25:], count, random)
    known = {word: place + 3 for place, word in enumerate(sorted({w for t in texts for w in t}))}
    answers = np.full((count, WORDS), -1, "int32")
    for row, tags in zip(answers, kinds):
        row[: len(tags)] = [KINDS.index(kind) for kind in tags]
    model = make_model(len(known) + 3)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)
    model.compile(keras.optimizers.Adam(2e-3), loss)
    model.fit(encoded(texts, known), answers, 32, epochs, verbose=2)

    texts, kinds = with_names(sentences[:held], persons[:1000], places[:25], 1000, random)
    found = model.predict(encoded(texts, known), verbose=0).argmax(axis=-1)
    hits = predicted = true = 0
    for text, tags, row in zip(texts, kinds, found):
        guess, answer = spans([KINDS[i] for i in row[: len(text)]]), spans(tags)
        hits, predicted, true = (
            hits + len(guess & answer),
            predicted + len(guess),
            true + len(answer),
        )
        if guess != answer and true < 60:
            print(
                " ".join(text),
                "->",
                *(f"{' '.join(text[a:b])} {kind}" for a, b, kind in sorted(guess)),
            )
    print(f"entities: f1 {2 * hits / (predicted + true):.3f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short run on little data")
    main(**vars(parser.parse_args()))
