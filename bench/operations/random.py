"""Random numbers."""


def cases(tf, random):
    """Returns {name: (function, arrays)}."""
    rates = random.uniform(0.5, 20, 100).astype("float32")
    logits = random.normal(size=(64, 100)).astype("float32")
    draw, stateless = tf.random, tf.random.stateless_uniform
    generator = draw.Generator.from_seed(1)
    shape = [256, 1024]
    seed = random.integers(
        0, 99, 2
    )  # an input: TensorFlow computes draws of constants while it optimizes graphs
    return {
        "uniform": (lambda r: draw.uniform(shape), (rates,)), "normal": (lambda r: draw.normal(shape), (rates,)), "truncated_normal": (lambda r: draw.truncated_normal(shape), (rates,)),
        "uniform int": (lambda r: draw.uniform(shape, 0, 100, tf.int32), (rates,)), "shuffle": (lambda x: draw.shuffle(x), (logits,)), "categorical": (lambda x: draw.categorical(x, 100), (logits,)),
        "poisson": (lambda r: draw.poisson([200], r), (rates,)), "gamma": (lambda r: draw.gamma([200], r), (rates,)), "stateless_uniform": (lambda r: stateless(shape, seed), (rates,)),
        "stateless_normal": (lambda r, seed: draw.stateless_normal(shape, seed), (rates, seed)), "stateless_truncated_normal": (lambda r, seed: draw.stateless_truncated_normal(shape, seed), (rates, seed)),
        "stateless_categorical": (lambda x, seed: draw.stateless_categorical(x, 100, seed), (logits, seed)), "stateless_poisson": (lambda r, seed: draw.stateless_poisson([200, 100], seed, r), (rates, seed)),
        "stateless_gamma": (lambda r, seed: draw.stateless_gamma([200, 100], seed, r), (rates, seed)), "stateless_binomial": (lambda r, seed: draw.stateless_binomial([200, 100], seed, r, 0.4), (rates, seed)),
        "stateless_shuffle": (lambda x, seed: tf.random.experimental.stateless_shuffle(x, seed), (logits, seed)), "generator normal": (lambda r: generator.normal(shape), (rates,)),
        "log_uniform_candidate_sampler": (lambda r: draw.log_uniform_candidate_sampler(tf.constant([[1, 2]], tf.int64), 2, 64, True, 10_000, seed=3)[0], (rates,)),
    }  # fmt: skip
