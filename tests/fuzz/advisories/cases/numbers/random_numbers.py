"""Random numbers, and samples of candidates."""

import numpy as np

from tests.fuzz.advisories.case import calls, f32, floats, i32, i64, none, raw

CASES = (
    raw("CVE-2021-29568", "ParameterizedTruncatedNormal", shape=i32([1]), means=none(0), stdevs=floats([1]), minvals=floats([1]), maxvals=floats([1])),
    raw("CVE-2022-35984", "ParameterizedTruncatedNormal", shape=i32([[2, 3]]), means=floats([0]), stdevs=floats([1]), minvals=floats([-1]), maxvals=floats([1])),
    raw("CVE-2022-35984", "ParameterizedTruncatedNormal", shape=i32([2**31 - 1, 2**31 - 1]), means=floats([0]), stdevs=floats([1]), minvals=floats([-1]), maxvals=floats([1])),
    raw("CVE-2022-36003", "RandomPoissonV2", shape=i64([[2]]), rate=floats([1])),
    raw("CVE-2022-36003", "RandomPoissonV2", shape=i64([-3]), rate=floats([1])),
    raw("CVE-2022-36003", "RandomPoissonV2", shape=i32([2]), rate=floats([float("nan"), 1e38])),
    calls("CVE-2022-36004", "random.gamma", lambda tf: tf.random.gamma(shape=[2**31 - 1, 2**31 - 1], alpha=0.7)),
    raw("CVE-2022-36004", "RandomGamma", shape=i32([[1]]), alpha=floats([1])),
    raw("CVE-2022-35935", "SobolSample", dim=i32([2]), num_results=i32(3), skip=i32(1)),
    raw("CVE-2022-35935", "SobolSample", dim=i32(2), num_results=i32(-3), skip=i32(2**31 - 1)),
    raw("CVE-2022-35935", "SobolSample", dim=i32(99999), num_results=i32(3), skip=i32(1)),
    raw("CVE-2022-41880", "ThreadUnsafeUnigramCandidateSampler", true_classes=i64([[0x100000, 1]]), num_true=2, num_sampled=2, unique=False, range_max=2),
    raw("CVE-2022-41880", "UniformCandidateSampler", true_classes=i64([[-4]]), num_true=1, num_sampled=9, unique=True, range_max=2),
    raw("CVE-2022-41880", "LogUniformCandidateSampler", true_classes=i64([[1, 2, 3]]), num_true=2, num_sampled=2, unique=False, range_max=0),
    raw("CVE-2023-25674", "RandomShuffle", value=none(0, 2)),
    raw("CVE-2021-41206", "Multinomial", logits=none(2, 0), num_samples=i32(3)),
    raw("CVE-2021-41206", "Multinomial", logits=f32(2, 3), num_samples=i32(-3)),
    raw("CVE-2021-41206", "StatelessRandomUniformFullIntV2", shape=i32([3]), key=np.zeros(3, "uint64"), counter=np.zeros(1, "uint64"), alg=i32(1), dtype="int32"),
    raw("CVE-2021-41206", "StatelessRandomBinomial", shape=i32([2, 2]), seed=i32([1, 2]), counts=floats([1, 2, 3]), probs=floats([0.5])),
    raw("CVE-2021-41206", "StatelessRandomUniform", shape=i32([2]), seed=i32([1, 2, 3])),
)  # fmt: skip
