"""Candidate samplers and draws from resources, by seeds."""

import numpy as np

CLASSES = np.array([[1, 3], [0, 7]], np.int64)


def _sampler(tf, name, unique, **kwargs):
    return list(
        getattr(tf.raw_ops, name)(
            true_classes=CLASSES,
            num_true=2,
            num_sampled=4,
            unique=unique,
            seed=5,
            seed2=11,
            **kwargs,
        )
    )


def candidates(tf, tmp):
    names = ["UniformCandidateSampler", "LogUniformCandidateSampler"]
    return [_sampler(tf, n, unique, range_max=9) for n in names for unique in (False, True)]


def candidates_of_all_classes(tf, tmp):
    return list(
        tf.raw_ops.AllCandidateSampler(
            true_classes=CLASSES, num_true=2, num_sampled=8, unique=True, seed=5, seed2=11
        )
    )


def candidates_by_frequency(tf, tmp):
    kwargs = {
        "range_max": 4,
        "unigrams": [1.0, 4.0, 2.0, 3.0],
        "distortion": 0.75,
        "vocab_file": "",
    }
    classes = np.array([[1], [3]], np.int64)
    op = tf.raw_ops.FixedUnigramCandidateSampler
    return [
        list(
            op(
                true_classes=classes,
                num_true=1,
                num_sampled=3,
                unique=u,
                seed=5,
                seed2=11,
                **kwargs,
            )
        )
        for u in (False, True)
    ]


def candidates_learnt(tf, tmp):
    names = ["LearnedUnigramCandidateSampler", "ThreadUnsafeUnigramCandidateSampler"]
    return [_sampler(tf, n, True, range_max=9)[1:] for n in names]


def state_of_generators(tf, tmp):
    raw = tf.raw_ops
    state = tf.Variable(np.array([1, 2, 3], np.int64))
    philox, shape = np.int64(1), np.array([5])
    draw = {"resource": state.handle, "algorithm": philox}
    made = [
        raw.StatefulStandardNormalV2(**draw, shape=shape, dtype=tf.float32),
        raw.StatefulTruncatedNormal(**draw, shape=shape, dtype=tf.float32),
        raw.StatefulUniform(**draw, shape=shape, dtype=tf.float32),
        raw.StatefulUniformFullInt(**draw, shape=shape, dtype=tf.uint64),
        raw.StatefulUniformInt(**draw, shape=shape, minval=np.int64(-3), maxval=np.int64(50)),
    ]
    raw.RngSkip(**draw, delta=np.int64(7))
    made += [
        tf.identity(state),
        raw.RngReadAndSkip(resource=state.handle, alg=1, delta=np.uint64(3)),
        state,
    ]
    return made


def draws_by_seeds(tf, tmp):
    raw, seeds = tf.raw_ops, {"seed": 7, "seed2": 19}
    low, high = np.array([-1.0, 0.5], np.float32), np.array([0.5, 9.0], np.float32)
    return [
        raw.ParameterizedTruncatedNormal(
            shape=np.array([2, 6]), means=np.zeros(2, np.float32), stdevs=np.ones(2, np.float32), minvals=low,
            maxvals=high, **seeds,
        ),
        raw.RandomPoissonV2(shape=np.array([6]), rate=np.array([0.5, 30.0]), dtype=tf.int32, **seeds),
        raw.RandomGamma(shape=np.array([4]), alpha=np.array([0.3, 4.0], np.float32), **seeds),
        raw.RandomGammaGrad(alpha=np.array([0.3, 4.0]), sample=np.array([0.2, 3.0])),
        raw.Multinomial(logits=np.array([[0.1, 0.9, 0.4]], np.float32), num_samples=9, **seeds),
        raw.RandomShuffle(value=np.arange(9), **seeds),
        raw.TruncatedNormal(shape=np.array([6]), dtype=tf.float32, **seeds),
    ]  # fmt: skip


def draws_within_bounds_of_each(tf, tmp):
    draw = tf.raw_ops.StatelessParameterizedTruncatedNormal
    means, highs = np.array([[0.0], [5.0]], np.float32), np.array([1.0, 9.0, 2.0], np.float32)
    bounds = {"stddevs": np.float32(2.0), "minvals": np.float32(-1.0), "maxvals": highs}
    return [
        draw(shape=[3, 2, 3], seed=[1, 2], means=means, **bounds),
        draw(
            shape=[5], seed=[1, 2], means=np.float32(0.0), **{**bounds, "maxvals": np.float32(1.0)}
        ),
    ]
