"""Candidates by counts, hits by accident, random crops."""

import numpy as np

import penstock as tf

raw = tf.raw_ops


def test_candidates_in_the_proportion_of_counts():
    sampled, expected, _ = raw.FixedUnigramCandidateSampler(
        true_classes=np.int64([[1, 2]]), num_true=2, num_sampled=300, unique=False, range_max=5,
        num_reserved_ids=1, distortion=0.5, unigrams=[1.0, 2, 3, 4], seed=1,
    )  # fmt: skip
    np.testing.assert_allclose(expected, [[48.810133, 69.027954]], rtol=1e-5)
    assert set(sampled.numpy().tolist()) == {1, 2, 3, 4}


def test_accidental_hits():
    rows, ids, weights = raw.ComputeAccidentalHits(
        true_classes=np.int64([[1, 2], [3, 4]]), sampled_candidates=np.int64([4, 9, 1]), num_true=2
    )
    assert rows.numpy().tolist() == [0, 1] and ids.numpy().tolist() == [2, 0]
    assert (weights.numpy() == -np.finfo("f").max).all()


def test_crops_are_pieces():
    image = np.arange(24, dtype="f").reshape(4, 6, 1)
    crop = raw.RandomCrop(image=image, size=np.int64([2, 3]), seed=3).numpy()[..., 0]
    top, left = divmod(int(crop[0, 0]), 6)
    np.testing.assert_array_equal(crop, image[top : top + 2, left : left + 3, 0])


def test_learned_counts_are_kept_beside_the_position_in_the_stream():
    """A node of a function has both, as an eager op."""

    @tf.function
    def sample():
        return tf.random.learned_unigram_candidate_sampler([[1], [2]], 1, 3, True, 8, seed=4)

    first, second = sample(), sample()
    assert first.sampled_candidates.shape == second.sampled_candidates.shape == (3,)
    assert float(second.true_expected_count[0, 0]) != float(first.true_expected_count[0, 0])
