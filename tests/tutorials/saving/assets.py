"""A module saved with assets, tables and signatures, read by another that knows nothing of it, after the files moved."""

import os
import shutil

import numpy as np
import tensorflow as tf

rng = np.random.default_rng(231)
words = ["the", "cat", "sat", "on", "a", "mat", "dog", "ran", "to", "house"]
with open("vocabulary.txt", "w") as file:
    file.write("\n".join(words) + "\n")
with open("labels.csv", "w") as file:
    file.writelines(f"{k},{name}\n" for k, name in enumerate(["animal", "place", "other"]))


class Classifier(tf.Module):
    def __init__(self, vocabulary, labels):
        super().__init__(name="classifier")
        self.vocabulary = tf.saved_model.Asset(vocabulary)
        self.table = tf.lookup.StaticVocabularyTable(
            tf.lookup.TextFileInitializer(
                vocabulary,
                tf.string,
                tf.lookup.TextFileIndex.WHOLE_LINE,
                tf.int64,
                tf.lookup.TextFileIndex.LINE_NUMBER,
            ),
            num_oov_buckets=3,
        )
        self.names = tf.lookup.StaticHashTable(
            tf.lookup.TextFileInitializer(labels, tf.int64, 0, tf.string, 1, delimiter=","),
            "unknown",
        )
        self.embedding = tf.Variable(rng.normal(size=(13, 6)).astype("float32"), name="embedding")
        self.kernel = tf.Variable(rng.normal(size=(6, 3)).astype("float32"), name="kernel")
        self.calls = tf.Variable(0, dtype=tf.int64, trainable=False, name="calls")
        self.scale = 0.5

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="sentences")])
    def scores(self, sentences):
        tokens = tf.strings.split(
            tf.strings.regex_replace(tf.strings.lower(sentences), r"[^a-z ]", "")
        )
        ids = tokens.with_values(self.table.lookup(tokens.values))
        vectors = tf.nn.embedding_lookup(self.embedding, ids.to_tensor(0))
        mask = tf.sequence_mask(ids.row_lengths(), dtype=tf.float32)[..., None]
        mean = tf.math.divide_no_nan(tf.reduce_sum(vectors * mask, 1), tf.reduce_sum(mask, 1))
        self.calls.assign_add(tf.size(sentences, out_type=tf.int64))
        return tf.nn.softmax(self.scale * mean @ self.kernel)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="sentences")])
    def classify(self, sentences):
        scores = self.scores(sentences)
        best = tf.math.top_k(scores, 2)
        return {"scores": best.values, "labels": self.names.lookup(tf.cast(best.indices, tf.int64))}

    @tf.function
    def words_of(self, separator=", "):
        return tf.strings.reduce_join(tf.io.read_file(self.vocabulary)) + separator

    @tf.function(
        input_signature=[tf.TensorSpec([None], tf.string), tf.TensorSpec([None], tf.int64)]
    )
    def learn(self, sentences, labels):
        with tf.GradientTape() as tape:
            rows = tf.gather(self.scores(sentences), labels, batch_dims=1)
            loss = -tf.reduce_mean(tf.math.log(rows))
        for variable, gradient in zip(
            [self.embedding, self.kernel], tape.gradient(loss, [self.embedding, self.kernel])
        ):
            variable.assign_sub(0.3 * tf.convert_to_tensor(gradient))
        return loss


module = Classifier("vocabulary.txt", "labels.csv")
sentences = tf.constant(
    ["The cat sat.", "A dog ran to the house!", "zebra unicorn", "", "on on on mat"]
)
wanted = module.classify(sentences)
print("RESULT scores", wanted["scores"].numpy().ravel())
print("RESULT labels", *wanted["labels"].numpy().astype(str).ravel())
module.words_of()
tf.saved_model.save(
    module,
    "saved",
    signatures={"serving_default": module.classify, "train": module.learn},
    options=tf.saved_model.SaveOptions(experimental_custom_gradients=True),
)
os.remove("vocabulary.txt")
os.remove("labels.csv")
shutil.move("saved", "elsewhere")
print("RESULT assets", *sorted(os.listdir("elsewhere/assets")), *sorted(os.listdir("elsewhere")))

loaded = tf.saved_model.load("elsewhere")
found = loaded.classify(sentences)
print("RESULT same", float(tf.reduce_max(tf.abs(found["scores"] - wanted["scores"]))))
print("RESULT words", loaded.words_of().numpy().decode().split())
print("RESULT state", int(loaded.calls), len(loaded.signatures), *sorted(loaded.signatures))
served = loaded.signatures["serving_default"](sentences=sentences[:2])
print("RESULT served", *sorted(served), served["scores"].numpy().ravel())
train = loaded.signatures["train"]
print("RESULT train", train.structured_input_signature[1], *train.structured_outputs)
for _ in range(4):
    print("RESULT loss", float(loaded.learn(sentences, tf.constant([0, 1, 2, 2, 1], tf.int64))))
print("RESULT learned", *loaded.scores(sentences).numpy().ravel(), int(loaded.calls))
tf.saved_model.save(loaded, "again", signatures=loaded.signatures["serving_default"])
again = tf.saved_model.load("again")
print(
    "RESULT again",
    again.signatures["serving_default"](sentences=sentences)["scores"].numpy().ravel(),
)
print(
    "RESULT kept",
    *sorted(os.listdir("again/assets")),
    int(again.calls),
    int(again.signatures["serving_default"].inputs[0].shape.rank),
)
