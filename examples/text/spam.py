"""Tells spam from other e-mail: a vectorization layer, embeddings, and a convolution over words.

Data: 6,046 e-mails of SpamAssassin's public corpus (CC0). `python examples/data/fetch.py spam` fetches
them. Of each the subject and the body are read, not the other headers, which name the machines it
passed. A fifth is held out; messages with the same text are on one side only.

Result: `accuracy` on those held out, some 0.98, and `recall`, of the spam among them.
"""

import argparse
import pathlib
import re

import penstock as tf
import keras
import numpy as np

FETCHED = pathlib.Path(__file__).resolve().parents[2] / "build" / "examples" / "spam"
WORDS, LENGTH = 10_000, 200
L = keras.layers


def message(path):
    """Returns the subject and the text of an e-mail, without markup."""
    head, _, body = path.read_text("latin-1").partition("\n\n")
    subject = re.search(r"^subject: *(.*)$", head, re.MULTILINE | re.IGNORECASE)
    body = re.sub(r"<[^>]{0,500}>|=\n", " ", body[:20_000])
    return f"{subject[1] if subject else ''} \n {body}"[:5000]


def messages():
    """Returns the texts `[n]` and labels `[n]` (1 is spam), each text once, in a fixed order."""
    if not FETCHED.is_dir():
        raise SystemExit("The e-mails are missing: python examples/data/fetch.py spam")
    found = {}
    for folder in sorted(FETCHED.iterdir()):
        for path in sorted(folder.glob("*.txt")):
            found[message(path)] = int(folder.name.startswith("spam"))
    order = np.random.default_rng(1).permutation(len(found))
    return np.array(list(found), object)[order], np.array(list(found.values()), "float32")[order]


def make_vectorizer(texts):
    """Returns a layer from texts to the numbers of their first words, most frequent words first."""
    vectorizer = L.TextVectorization(max_tokens=WORDS, output_sequence_length=LENGTH)
    vectorizer.adapt(tf.data.Dataset.from_tensor_slices(texts).batch(256))
    return vectorizer


def make_model():
    """Returns a network from the numbers of words to the logit of spam."""
    numbers = keras.Input((LENGTH,), dtype="int64")
    x = L.Dropout(0.3)(L.Embedding(WORDS, 32)(numbers))
    x = L.Conv1D(64, 5, activation="relu")(x)
    both = L.Concatenate()([L.GlobalMaxPooling1D()(x), L.GlobalAveragePooling1D()(x)])
    return keras.Model(numbers, L.Dense(1)(L.Dropout(0.5)(both)))


def draw(path, scores, labels):
    """Writes a histogram of the scores of spam and other e-mail."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6.4, 2.8), layout="constrained")
    bins = np.linspace(0, 1, 41).tolist()
    for label, name, color in [(0, "other e-mail", "#0b7285"), (1, "spam", "#f08c00")]:
        axes.hist(scores[labels == label], bins, label=name, color=color, alpha=0.7, log=True)
    axes.set(xlabel="score", ylabel="e-mails held out")
    axes.legend(loc="upper center", frameon=False)
    figure.savefig(path)


def main(quick, picture):
    keras.utils.set_random_seed(1)
    texts, labels = messages()
    held = len(texts) // 5
    training, answers = texts[held:], labels[held:]
    if quick:
        training, answers = training[:1500], answers[:1500]
    vectorizer, model = make_vectorizer(training), make_model()
    model.compile(
        keras.optimizers.Adam(2e-3),
        keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0)],
    )
    model.fit(vectorizer(training), answers, epochs=2 if quick else 6, verbose=2)

    spam_filter = keras.Sequential([keras.Input((), dtype="string"), vectorizer, model])
    logits = spam_filter.predict(tf.constant(texts[:held]), batch_size=256, verbose=0)[:, 0]
    is_spam = labels[:held] == 1
    if picture:
        draw(picture, 1 / (1 + np.exp(-logits)), labels[:held])
    for place in np.argsort(np.where(is_spam, -np.inf, logits))[-2:]:
        print("taken for spam:", " ".join(str(texts[place]).split())[:90])
    right = np.mean((logits > 0) == is_spam)
    print(f"spam: accuracy {right:.4f}, recall {np.mean(logits[is_spam] > 0):.4f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short run on little data")
    parser.add_argument("--picture", metavar="FILE", help="writes a picture of the scores")
    main(**vars(parser.parse_args()))
