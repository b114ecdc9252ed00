"""Pictures, labels and words collected in Python lists, as loaders of folders make them, in datasets and functions."""

import numpy as np
import tensorflow as tf


def show(name, *tensors):
    for tensor in tensors:
        if tensor.dtype == tf.string:
            print("RESULT", name, tensor.shape, tensor.numpy().tolist())
        else:
            numbers = tf.cast(tensor, tf.float32)
            weights = tf.reshape(tf.cos(tf.range(tf.size(numbers, tf.int64)) / 7), tensor.shape)
            sums = tf.reduce_sum(numbers), tf.reduce_sum(numbers * tf.cast(weights, tf.float32))
            print("RESULT", name, tensor.dtype.name, tensor.shape, *[f"{s:.6g}" for s in sums])


rng = np.random.RandomState(0)
pictures = [rng.randint(0, 255, (8, 8, 3)).astype(np.uint8) for _ in range(6)]
labels = [np.int64(i % 3) for i in range(6)]
boxes = [rng.rand(4) for _ in range(6)]
dataset = tf.data.Dataset.from_tensor_slices((pictures, labels, {"box": boxes}))
print("RESULT spec", dataset.element_spec)


def augment(number, example):
    picture, label, extra = example
    seed = tf.stack([number, number + 1])
    picture = tf.image.stateless_random_flip_left_right(picture, seed)
    picture = tf.image.stateless_random_brightness(picture, 0.2, seed)
    picture = tf.image.stateless_random_contrast(picture, 0.5, 1.5, seed)
    return tf.image.resize(picture, [5, 6]), picture, label, extra["box"]


for batch in dataset.enumerate().map(augment).batch(4):
    show("batch", *batch)


@tf.function
def anchors(scale):
    corners = tf.stack([np.array([0, 1]), np.array([2, 3])])
    first, second = tf.tuple([np.array([1.5, 2.5]), np.float64(scale)])
    return corners, first * second


show("anchors", *anchors(2.0))

words = tf.data.Dataset.from_tensor_slices(["one", "two", "three"])
marked = words.map(
    lambda word: {"text": tf.strings.join([word, "!"]), "bytes": tf.strings.bytes_split(word)}
)
for batch in marked.padded_batch(2, padding_values={"text": "", "bytes": "-"}):
    show("words", batch["text"], batch["bytes"], tf.strings.length(batch["text"]))
names = tf.Variable(["a", "b"])
names[1].assign(tf.strings.join(["c", "d"]))
show("names", names)

for value in (1.5, None, True, 300, np.float32(2.5)):
    for dtype in (tf.uint8, tf.float32, tf.bool):
        source = tf.data.Dataset.from_generator(
            lambda value=value: iter([value]), output_types=dtype
        )
        try:
            print("RESULT generator", value, dtype.name, next(iter(source)).numpy())
        except tf.errors.InvalidArgumentError:
            print("RESULT generator", value, dtype.name, "refused")

for mixture in (
    [np.complex64(1j), 1.0],
    [2**63, 1.5],
    [1, True, 2**40],
    [np.float16(1), 70000.0],
    [1, np.bool_(True)],
):
    try:
        show("list", tf.math.real(tf.constant(mixture)))
    except ValueError:
        print("RESULT list refused")
