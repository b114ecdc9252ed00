"""Sequences of tokens beside definitions that are written as plain loops."""

import numpy as np

import penstock as tf
from penstock._src.ops.text.sequences.rouge import longest_common


def plain_longest_common(a, b):
    table = np.zeros((len(a) + 1, len(b) + 1), int)
    for i, x in enumerate(a):
        for k, y in enumerate(b):
            longest = max(table[i, k + 1], table[i + 1, k])
            table[i + 1, k + 1] = table[i, k] + 1 if x == y else longest
    return table[-1, -1]


def test_longest_common_subsequences_of_more_items_than_a_word_has_bits():
    random = np.random.default_rng(0)
    for _ in range(60):
        a, b = (random.integers(0, 5, random.integers(0, 150)).tolist() for _ in range(2))
        assert longest_common(a, b) == plain_longest_common(a, b)


def test_nan_is_part_of_no_common_subsequence():
    rows = tf.ragged.constant([[np.nan, 1.0, np.nan]])
    found = tf.text.metrics.rouge_l(rows, tf.ragged.constant([[np.nan, 1.0]]))
    np.testing.assert_allclose(found.p_measure, [1 / 3])
    np.testing.assert_allclose(found.r_measure, [1 / 2])


def plain_shares(lengths, most):
    shares = [0] * len(lengths)
    while sum(shares) < most and shares != lengths:
        for i, length in enumerate(lengths):
            if shares[i] < length and sum(shares) < most:
                shares[i] += 1
    return shares


def test_segments_give_items_in_turn_until_the_bound():
    random = np.random.default_rng(1)
    for _ in range(40):
        lengths = random.integers(0, 9, (4, random.integers(1, 5)))
        most = int(random.integers(0, 20))
        segments = [
            tf.RaggedTensor.from_row_lengths(np.arange(own.sum()), own) for own in lengths.T
        ]
        trimmer = tf.text.RoundRobinTrimmer(most)
        expected = [plain_shares(row.tolist(), most) for row in lengths]
        kept = [segment.row_lengths() for segment in trimmer.trim(segments)]
        np.testing.assert_array_equal(np.stack(kept, axis=1), expected)
        masks = [mask.to_list() for mask in trimmer.generate_mask(segments)]
        first = [
            [[i < n for i in range(m)] for n, m in zip(*both, strict=True)]
            for both in zip(np.transpose(expected), lengths.T, strict=True)
        ]
        assert masks == first
