"""Probability by hand: special functions and their derivatives, implicit reparameterization, samplers with seeds, and variational inference."""

import math

import numpy as np
import tensorflow as tf

rng = np.random.default_rng(481)


def show(name, *values):
    print("RESULT", name, *[x for v in values for x in np.ravel(v)])


x = tf.constant([0.05, 0.4, 1.3, 2.7, 6.5])
unary = [
    tf.math.lgamma,
    tf.math.digamma,
    tf.math.erf,
    tf.math.erfc,
    tf.math.erfcinv,
    tf.math.erfinv,
    tf.math.ndtri,
    tf.math.bessel_i0,
    tf.math.bessel_i1,
    tf.math.bessel_i0e,
    tf.math.bessel_i1e,
    tf.math.special.bessel_j0,
    tf.math.special.bessel_j1,
    tf.math.special.bessel_k0,
    tf.math.special.bessel_k1e,
    tf.math.special.bessel_y0,
    tf.math.special.bessel_y1,
    tf.math.special.dawsn,
    tf.math.special.expint,
    tf.math.special.fresnel_cos,
    tf.math.special.fresnel_sin,
    tf.math.special.spence,
    tf.math.log_sigmoid,
    tf.math.softplus,
    tf.math.log1p,
    tf.math.expm1,
    tf.math.sinh,
    tf.math.acosh,
    tf.math.asinh,
    tf.math.atanh,
    tf.math.rint,
    tf.math.reciprocal_no_nan,
    tf.math.cumulative_logsumexp,
    tf.nn.elu,
    tf.nn.selu,
    tf.nn.gelu,
    tf.nn.silu,
    tf.nn.softsign,
    tf.nn.relu6,
    tf.nn.crelu,
]
for k, function in enumerate(unary):
    inside = (
        x / 7
        if function in (tf.math.erfcinv, tf.math.erfinv, tf.math.ndtri, tf.math.atanh)
        else x + 1
        if function is tf.math.acosh
        else x
    )
    try:
        with tf.GradientTape() as outer:
            outer.watch(inside)
            with tf.GradientTape() as tape:
                tape.watch(inside)
                y = function(inside)
            slope = tape.gradient(y, inside)
        second = None if slope is None else outer.gradient(slope, inside)
    except LookupError:
        second = -1.0
    show(f"function {k}", y, *[g for g in (slope, second) if g is not None])
b = tf.constant([0.7, 2.0, 1.1, 5.0, 3.0])
binary = {
    "igamma": tf.math.igamma,
    "igammac": tf.math.igammac,
    "lbeta": lambda a, b: tf.math.lbeta(tf.stack([a, b], -1)),
    "polygamma": lambda a, b: tf.math.polygamma(tf.round(a) + 1, b),
    "zeta": lambda a, b: tf.math.zeta(a + 1, b),
    "betainc": lambda a, b: tf.math.betainc(a, b, tf.constant(0.3)),
    "xlogy": tf.math.xlogy,
    "xlog1py": tf.math.xlog1py,
    "xdivy": tf.math.xdivy,
    "atan2": tf.math.atan2,
    "pow": tf.math.pow,
    "squared": tf.math.squared_difference,
    "nextafter": tf.math.nextafter,
    "floormod": tf.math.floormod,
    "mod": tf.math.mod,
    "multiply_no_nan": tf.math.multiply_no_nan,
    "divide_no_nan": tf.math.divide_no_nan,
    "log_add": lambda a, b: tf.reduce_logsumexp(tf.stack([a, b]), 0),
}
for name, function in binary.items():
    with tf.GradientTape() as tape:
        tape.watch([x, b])
        y = function(x, b)
    show(name, y, *[g for g in tape.gradient(y, [x, b]) if g is not None])

seed = [48, 1]
with tf.GradientTape() as tape:
    tape.watch([x, b])
    gamma = tf.random.stateless_gamma([1000, 5], seed, alpha=x, beta=b)
    moments = tf.reduce_mean(gamma, 0), tf.math.reduce_variance(gamma, 0)
    mean = tf.reduce_sum(moments[0] * tf.range(5.0))
show("gamma", *moments, *tape.gradient(mean, [x, b]))
show("draws", gamma[:2])
show(
    "normal",
    tf.random.stateless_normal([3], seed, 1.0, 2.0),
    tf.random.stateless_truncated_normal([3], seed),
    tf.random.stateless_parameterized_truncated_normal(
        [4, 2], seed, [0.0, 1.0], [1.0, 2.0], [-0.5, 0.0], [2.0, 9.0]
    ),
)
show(
    "uniform",
    tf.random.stateless_uniform([3], seed, -1, 1),
    tf.random.stateless_uniform([3], seed, 0, 100, tf.int64),
    tf.random.stateless_uniform([2], seed, None, None, tf.int32),
)
show(
    "counts",
    tf.random.stateless_poisson([6], seed, 4.5),
    tf.random.stateless_binomial([6, 1], seed, [20.0], [0.3]),
    tf.random.stateless_categorical(tf.math.log([[0.2, 0.5, 0.3]]), 8, seed),
)
show(
    "shuffled",
    tf.random.experimental.stateless_shuffle(tf.range(7), seed),
    tf.random.experimental.stateless_fold_in(seed, 3),
    tf.random.split(seed, 2),
)
show(
    "algorithms",
    *[tf.random.stateless_uniform([2], seed, alg=alg) for alg in ("philox", "auto_select")],
)
generator = tf.random.Generator.from_seed(7)
show(
    "generator",
    generator.normal([2]),
    generator.uniform([2], 0, 9, tf.int32),
    generator.truncated_normal([2]),
    generator.binomial([3, 1], [9.0], [0.4]),
    generator.uniform_full_int([1], tf.uint32),
)
first, second = tf.random.Generator.from_seed(3).split(2)
show("split", first.normal([2]), second.normal([2]), second.state)
tf.random.set_seed(48)
show(
    "global",
    tf.random.normal([2]),
    tf.random.gamma([2], [0.5, 3.0], [1.0, 2.0]),
    tf.random.poisson([2], [3.0]),
    tf.random.shuffle(tf.range(5)),
    tf.random.categorical([[0.0, 1.0]], 4),
    tf.random.uniform([2], seed=9),
    tf.random.truncated_normal([2], seed=9),
)
show(
    "log uniform",
    tf.random.log_uniform_candidate_sampler([[1, 2]], 2, 4, True, 50, seed=3).sampled_candidates,
    tf.random.fixed_unigram_candidate_sampler(
        [[1]], 1, 3, True, 6, unigrams=[1.0, 2, 3, 4, 5, 6], seed=5
    ).sampled_candidates,
)


class Gumbel:
    def __init__(self, logits, temperature):
        self.logits, self.temperature = logits, temperature

    def sample(self, seed):
        u = tf.random.stateless_uniform(tf.shape(self.logits), seed, 1e-6, 1 - 1e-6)
        return tf.nn.softmax((self.logits - tf.math.log(-tf.math.log(u))) / self.temperature)


class StudentT:
    def __init__(self, df, loc, scale):
        self.df, self.loc, self.scale = df, loc, scale

    def log_prob(self, x):
        z = (x - self.loc) / self.scale
        half = 0.5 * (self.df + 1)
        return (
            tf.math.lgamma(half)
            - tf.math.lgamma(self.df / 2)
            - 0.5 * tf.math.log(self.df * math.pi)
            - tf.math.log(self.scale)
            - half * tf.math.log1p(z**2 / self.df)
        )


def von_mises(x, loc, concentration):
    return (
        concentration * (tf.cos(x - loc) - 1)
        - math.log(2 * math.pi)
        - tf.math.log(tf.math.bessel_i0e(concentration))
    )


points = tf.constant(rng.standard_t(3, size=50).astype("float32") * 0.7 + 1.0)
parameters = [tf.Variable(v) for v in (1.5, 0.0, 0.3)]


@tf.function
def fit(rate):
    with tf.GradientTape() as outer:
        with tf.GradientTape() as tape:
            df, loc, scale = (
                tf.nn.softplus(parameters[0]) + 1,
                parameters[1],
                tf.nn.softplus(parameters[2]),
            )
            loss = -tf.reduce_mean(StudentT(df, loc, scale).log_prob(points))
        gradients = tape.gradient(loss, parameters)
        stacked = tf.stack(gradients)
    hessian = tf.stack(outer.jacobian(stacked, parameters), 1)
    step = tf.linalg.solve(hessian + 0.05 * tf.eye(3), stacked[:, None])[:, 0]
    for p, s in zip(parameters, tf.unstack(step)):
        p.assign_sub(rate * tf.clip_by_value(s, -0.5, 0.5))
    return loss, hessian


for _ in range(4):
    loss, hessian = fit(tf.constant(0.7))
    show("student", loss, *parameters, tf.linalg.diag_part(hessian))
angles = tf.constant(rng.vonmises(0.5, 3.0, size=40).astype("float32"))
concentration, loc = tf.Variable(1.0), tf.Variable(0.0)
for _ in range(5):
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(von_mises(angles, loc, tf.nn.softplus(concentration)))
    for v, g in zip((concentration, loc), tape.gradient(loss, (concentration, loc))):
        v.assign_sub(0.8 * g)
    show("angles", loss, concentration, loc)
logits = tf.Variable(rng.normal(size=(4, 3)).astype("float32"))
with tf.GradientTape() as tape:
    soft = Gumbel(logits, 0.5).sample([1, 2])
    hard = tf.one_hot(tf.argmax(soft, -1), 3)
    straight = hard + soft - tf.stop_gradient(soft)
    loss = tf.reduce_sum(straight * tf.constant([[1.0, 2.0, 3.0]]))
show("gumbel", loss, tape.gradient(loss, logits))
