"""The programs whose instructions are counted: GROUPS[name]() yields (label, call, times) after having warmed the call up."""

import sys

WARM = 40  # calls before those that count: plans are kept, shapes known, and specialized bytecode written
ROWS = 8  # of a step of training
# The larger ones of the benchmark take ten minutes and more under Valgrind.
MODELS = ["mlp", "convolutional"]


def warmed(label, call, times, warm=WARM):
    """A case whose call has run before."""
    for _ in range(warm):
        call()
    return label, call, times


def eager():
    """Single operations, and a tape."""
    import penstock as tf

    x = tf.constant([[float(i % 7) for i in range(32)]] * 32)
    variable = tf.Variable(x)

    def gradient():
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(tf.tanh(x * x) + x)
        return tape.gradient(loss, x)

    calls = {
        "add": lambda: x + x,
        "matmul of 32 x 32": lambda: x @ x,
        "reduce_sum": lambda: tf.reduce_sum(x),
        "reshape": lambda: tf.reshape(x, [16, 64]),
        "slice": lambda: x[1:5],
        "assign_add": lambda: variable.assign_add(x),
        "gradient of four": gradient,
    }
    for _ in range(25_000):  # until native code is loaded, which makes calls from then on
        calls["add"]()
    for name, call in calls.items():
        yield warmed(f"eager {name}", call, 100, warm=3000)


def functions():
    """Calls of compiled functions, with one shape and with ever new ones."""
    import penstock as tf

    @tf.function
    def scaled(x):
        return x * 2.0 + 1.0

    @tf.function(input_signature=[tf.TensorSpec([None, 16])])
    def normalized(x):
        return tf.nn.softmax(x - tf.reduce_mean(x, 0))

    scalar = tf.constant(1.0)
    lengths = iter([tf.ones([8 + length, 16]) for length in range(400)])
    yield warmed("function of a scalar", lambda: scaled(scalar), 1000, warm=3000)
    yield warmed("function of new lengths", lambda: normalized(next(lengths)), 40, warm=300)


def first_calls():
    """A function of a hundred operations that no cache knows: tracing, compiling and the first run."""
    import penstock as tf

    def traced(scale):
        @tf.function
        def chain(x):
            for step in range(50):
                x = tf.sin(x) * (scale + step)
            return x

        return chain(x)

    x = tf.ones([64])
    traced(0.25)
    yield "first call of 100 operations", lambda: traced(0.75), 1


def models():
    """A step of training and a prediction of the benchmark's two smallest models."""
    import penstock

    penstock.install_as_tensorflow()
    import keras
    import numpy as np

    from bench.zoo import MODELS as MAKERS

    for name in MODELS:
        keras.utils.set_random_seed(1)
        model, x, y, _ = MAKERS[name](keras, np.random.default_rng(1))
        x, y = x[:ROWS], y[:ROWS]

        def train(model=model, x=x, y=y):
            model.train_on_batch(x, y)

        def predict(model=model, x=x):
            model.predict_on_batch(x[:1])

        yield warmed(f"{name}, training step of {ROWS}", train, 1, warm=3)
        yield warmed(f"{name}, prediction of 1", predict, 2, warm=3)


def start():
    """A whole process: the import, and the first answer of a function whose kernels are in the cache."""
    import penstock as tf

    tf.function(lambda x: tf.reduce_sum(x * x))(tf.ones([16]))
    return ()


GROUPS = {
    "eager": eager,
    "functions": functions,
    "first_calls": first_calls,
    "models": models,
    "start": start,
}
WHOLE = {"start"}  # processes that count from their beginning to their end
UNCACHED = {"first_calls"}


def main(group):
    """Runs a group; counts its cases where Valgrind runs this process."""
    import gc

    from bench.counts.callgrind import Requests

    requests = Requests()
    for label, call, times in GROUPS[group]():
        # The collector runs after so many allocations, which belong to no case.
        gc.collect()
        gc.disable()
        requests.count(f"{times} {label}", call, times)
        gc.enable()


if __name__ == "__main__":
    main(sys.argv[1])
