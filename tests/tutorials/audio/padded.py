"""Speech of different lengths in padded batches, by masked recurrent layers and the CTC loss, with dense and sparse labels."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(317)
rng = np.random.default_rng(317)
LETTERS, BINS = 7, 8  # 0 is the blank


def utterances():
    for _ in range(44):
        word = rng.integers(1, LETTERS + 1, int(rng.integers(1, 7)))
        sounds = [rng.normal(0, 0.2, (int(rng.integers(1, 4)), BINS))]
        for letter in word:
            sound = rng.normal(0, 0.2, (int(rng.integers(3, 8)), BINS))
            sound[1:, letter] += 1.5
            sounds.append(sound)
        yield np.concatenate(sounds).astype("float32"), word.astype("int32")


def measured(frames, word):
    return frames, word, tf.shape(frames)[0], tf.size(word)


shapes = (tf.TensorSpec([None, BINS]), tf.TensorSpec([None], tf.int32))
data = tf.data.Dataset.from_generator(utterances, output_signature=shapes).map(measured).cache()
padded = data.padded_batch(9)
buckets = data.bucket_by_sequence_length(
    lambda frames, word, length, size: length, [15, 25], [6, 8, 5], no_padding=False
)
for frames, word, length, size in buckets:
    print("RESULT bucket", frames.shape, word.shape, length.numpy(), size.numpy())


class Listener(keras.Model):
    """Halves the frames, and reads what is left in both directions up to each one's length."""

    def __init__(self):
        super().__init__()
        self.reduce = layers.Conv1D(16, 3, strides=2, padding="same", activation="relu")
        self.drop = layers.Dropout(0.1, seed=3)
        self.read = layers.Bidirectional(layers.LSTM(12, return_sequences=True))
        self.again = layers.GRU(16, return_sequences=True)
        self.out = layers.Dense(LETTERS + 1)

    def call(self, frames, lengths, training=False):
        h = self.drop(self.reduce(frames), training=training)
        halves = (lengths + 1) // 2
        mask = tf.sequence_mask(halves, tf.shape(h)[1])
        return self.out(self.again(self.read(h, mask=mask), mask=mask)), halves


model = Listener()
optimizer = keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.03, 10, 0.8))
traces = []


@tf.function(reduce_retracing=True)
def train_step(frames, word, length, size):
    traces.append(frames.shape)
    with tf.GradientTape() as tape:
        logits, halves = model(frames, length, training=True)
        losses = tf.nn.ctc_loss(word, logits, size, halves, logits_time_major=False, blank_index=0)
        # Words that need more frames than there are have no path; their loss is left out.
        finite = losses < 1e4
        loss = tf.reduce_mean(tf.boolean_mask(losses, finite) / tf.cast(size[finite], tf.float32))
    gradients = tape.gradient(loss, model.trainable_variables)
    gradients, norm = tf.clip_by_global_norm(gradients, 4.0)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    return loss, norm, tf.reduce_sum(tf.cast(finite, tf.int32))


for epoch, batches in enumerate((padded, buckets, padded)):
    losses, norms, counts = zip(*[train_step(*batch) for batch in batches])
    print("RESULT epoch", epoch, np.mean(losses), np.mean(norms[:3]), int(sum(counts)))
print("RESULT traces", len(traces))


@tf.function(
    input_signature=[
        tf.TensorSpec([None, None, LETTERS + 1]),
        tf.TensorSpec([None, None], tf.int32),
        tf.TensorSpec([None], tf.int32),
        tf.TensorSpec([None], tf.int32),
    ]
)
def several(logits, word, size, halves):
    """The loss of dense labels, of dense ones with their distinct letters, of sparse ones, and the older one with the blank last."""
    time_major = tf.transpose(logits, [1, 0, 2])
    with tf.GradientTape() as tape:
        tape.watch(time_major)
        dense = tf.nn.ctc_loss(word, time_major, size, halves, blank_index=0)
    slope = tape.gradient(dense, time_major)
    unique = tf.nn.ctc_loss(
        word, time_major, size, halves, unique=tf.nn.ctc_unique_labels(word), blank_index=0
    )
    present = tf.sequence_mask(size, tf.shape(word)[1])
    where = tf.where(present)
    last = tf.concat([time_major[..., 1:], time_major[..., :1]], -1)
    shape = tf.shape(word, tf.int64)
    sparse = tf.nn.ctc_loss(
        tf.SparseTensor(where, tf.boolean_mask(word, present), shape),
        time_major, None, halves, blank_index=0,
    )  # fmt: skip
    older = tf.compat.v1.nn.ctc_loss(
        tf.SparseTensor(where, tf.boolean_mask(word, present) - 1, shape),
        last, halves, ignore_longer_outputs_than_inputs=True,
    )  # fmt: skip
    return dense, unique, sparse, older, slope


for frames, word, length, size in padded.take(2):
    logits, halves = model(frames, length)
    fits = halves >= 2 * size  # so that even repeated letters have room
    given = [tf.boolean_mask(t, fits) for t in (logits, word, size, halves)]
    dense, unique, sparse, older, slope = several(*given)
    print("RESULT losses", *dense.numpy())
    for other in (unique, sparse, older):
        print("RESULT other", *other.numpy())
    print("RESULT slope", *tf.norm(slope, axis=[0, 2]).numpy())
    beyond = tf.sequence_mask(given[3], tf.shape(slope)[0])
    print("RESULT beyond", float(tf.reduce_sum(tf.abs(tf.transpose(slope, [1, 0, 2])[~beyond]))))
    batch_of_one = tf.nn.ctc_loss(
        word[:1, : int(size[0])], logits[:1, : int(halves[0])], size[:1], halves[:1],
        logits_time_major=False, blank_index=0,
    )  # fmt: skip
    print("RESULT alone", batch_of_one.numpy())

# Decoded, and compared by the edits that lead to the words.
frames, word, length, size = next(iter(padded))
logits, halves = model(frames, length)
shifted = tf.transpose(tf.roll(logits, -1, -1), [1, 0, 2])
greedy, _ = tf.nn.ctc_greedy_decoder(shifted, halves)
beams, score = tf.nn.ctc_beam_search_decoder(shifted, halves, 6, 1)
truth = tf.RaggedTensor.from_tensor(tf.cast(word, tf.int64) - 1, size).to_sparse()
for name, decoded in (("greedy", greedy[0]), ("beams", beams[0])):
    edits = tf.edit_distance(decoded, truth)
    print("RESULT", name, decoded.dense_shape.numpy(), *edits.numpy())
print("RESULT score", *score[:, 0].numpy())
print("RESULT collapsed", tf.nn.collapse_repeated(word, size)[1].numpy())
