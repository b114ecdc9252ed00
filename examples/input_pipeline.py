"""tf.data: a pipeline that generates, filters, maps, shuffles, batches and repeats."""

import tensorflow as tf


def squares(limit):
    for i in range(limit):
        yield i, float(i * i)


data = tf.data.Dataset.from_generator(
    lambda: squares(100),
    output_signature=(tf.TensorSpec([], tf.int32), tf.TensorSpec([], tf.float32)),
)
data = (
    data.filter(lambda i, square: i % 2 == 0)
    .map(lambda i, square: {"number": i, "root": tf.sqrt(square)})
    .shuffle(16, seed=7)
    .batch(8, drop_remainder=False)
    .prefetch(tf.data.AUTOTUNE)
)
print(data.element_spec)

seen = []
for batch in data:
    seen.extend(batch["number"].numpy().tolist())
    tf.debugging.assert_near(tf.cast(batch["number"], tf.float32), batch["root"])
assert sorted(seen) == list(range(0, 100, 2))


@tf.function
def total(dataset):
    result = tf.constant(0.0)
    for batch in dataset:
        result += tf.reduce_sum(batch["root"])
    return result


print("sum of the roots:", total(data).numpy())
assert total(data).numpy() == sum(range(0, 100, 2))
