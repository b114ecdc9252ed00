"""Random numbers of functions, branches, loops, datasets and restored models, and what tf.random.set_seed starts again."""

import tempfile

import tensorflow as tf


@tf.function
def draw():
    return tf.random.normal([2]), tf.random.normal([2], seed=3)


@tf.function
def nested():
    return tf.random.normal([2]), draw()


@tf.function
def loop():
    total = tf.zeros([2])
    for _ in tf.range(3):
        total += tf.random.normal([2])
    return total


@tf.function
def branch(condition):
    return tf.cond(condition, lambda: tf.random.normal([2]), lambda: tf.zeros([2]))


@tf.function
def others():
    drawn = tf.random.shuffle(tf.range(6)), tf.random.categorical([[1.0, 1.0]], 4)
    return *drawn, tf.random.gamma([2], 2.0), tf.random.poisson([2], 3.0)


@tf.function
def drop(x):
    return tf.nn.dropout(x, 0.5)


def show(name, values):
    print("RESULT", name, [x.numpy().tolist() for x in tf.nest.flatten(values)])


tf.random.set_seed(3)
model = tf.Module()
model.draw = tf.function(lambda: tf.random.normal([2]), input_signature=[])
with tempfile.TemporaryDirectory() as folder:
    tf.saved_model.save(model, folder)
    loaded = tf.saved_model.load(folder)
numbers = tf.data.Dataset.range(4).map(lambda _: tf.random.uniform([]))
shuffled = tf.data.Dataset.range(6).shuffle(6, seed=1)
functions = {
    "draw": draw,
    "nested": nested,
    "loop": loop,
    "branch": lambda: branch(tf.constant(True)),
    "others": others,
    "drop": lambda: drop(tf.ones([6])),
    "loaded": loaded.draw,
    "mapped": lambda: tf.map_fn(lambda _: draw()[0], tf.zeros([2])),
    "dataset": lambda: list(numbers),
    "shuffled": lambda: list(shuffled),
    "eager": lambda: tf.random.normal([2]),
}
for name, function in functions.items():
    for seed in (9, 9, 5):
        tf.random.set_seed(seed)
        show(name, [function(), function()])
        show(f"{name} after another", [draw(), function()])
iterator = iter(numbers)
for _ in range(3):
    show("iterator", next(iterator))
    tf.random.set_seed(1)
generator = tf.random.Generator.from_seed(1)
for delta in (5, -1, -7, 2**40, -(2**40)):
    generator.normal([3])
    generator.skip(delta)
    show("generator", [generator.state, generator.uniform([2])])
