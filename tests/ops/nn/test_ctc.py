"""CTC against a sum over all alignments."""

import itertools

import numpy as np
import pytest

import penstock as tf
from penstock import raw_ops as raw
from penstock._src.ops.nn import ctc
from tests.ops.nn import ctc_reference

RNG = np.random.default_rng(3)


def collapse(path, blank):
    kept = [p for at, p in enumerate(path) if at == 0 or p != path[at - 1]]
    return tuple(p for p in kept if p != blank)


def test_loss_is_the_sum_over_alignments():
    logits = RNG.normal(size=(4, 1, 3)).astype(np.float32)
    p = np.exp(logits[:, 0].astype(float))
    p /= p.sum(-1, keepdims=True)
    total = sum(
        np.prod([p[t, s] for t, s in enumerate(path)])
        for path in itertools.product(range(3), repeat=4)
        if collapse(path, 2) == (1, 0)
    )
    loss, _ = raw.CTCLoss(
        inputs=logits, labels_indices=np.array([[0, 0], [0, 1]]),
        labels_values=np.array([1, 0], np.int32), sequence_length=np.array([4], np.int32),
    )  # fmt: skip
    np.testing.assert_allclose(loss.numpy(), [-np.log(total)], rtol=1e-5)


@pytest.mark.parametrize("op", [raw.CTCLoss, raw.CTCLossV2])
@pytest.mark.parametrize("merges", [True, False])
def test_sequences_of_a_batch_give_what_each_gives_alone(op, merges):
    logits = RNG.normal(size=(7, 4, 5)).astype(np.float32)
    logits[6, 0] = np.nan  # after the end of that sequence
    lengths, rows = [6, 0, 7, 3], [[1, 1, 2], [], [3], []]

    def loss(at):
        pairs = [(n, k) for n, b in enumerate(at) for k in range(len(rows[b]))]
        return op(
            inputs=logits[:, at], labels_indices=np.array(pairs, np.int64).reshape(-1, 2),
            labels_values=np.array([label for b in at for label in rows[b]], np.int32),
            sequence_length=np.array([lengths[b] for b in at], np.int32), ctc_merge_repeated=merges,
        )  # fmt: skip

    together = loss([0, 1, 2, 3])
    for b in range(4):
        alone = loss([b])
        np.testing.assert_array_equal(alone.loss[0], together.loss[b])
        np.testing.assert_array_equal(alone.gradient[:, 0], together.gradient[:, b])


def test_greedy_decoding_merges_and_drops_blanks():
    best = [1, 1, 2, 1, 0]
    logits = np.eye(3, dtype=np.float32)[best][:, None]
    found = raw.CTCGreedyDecoder(
        inputs=logits, sequence_length=np.array([5], np.int32), merge_repeated=True
    )
    assert found.decoded_values.numpy().tolist() == [1, 1, 0]


def test_a_narrow_beam_prunes_as_tensorflow_does():
    # recorded from TensorFlow 2.21
    logits = np.random.RandomState(0).randn(5, 2, 4).astype(np.float32) * 2
    length = np.array([5, 5], np.int32)
    arguments = dict(inputs=logits, sequence_length=length, beam_width=4, top_paths=1)
    _, values, shapes, scores = raw.CTCBeamSearchDecoder(**arguments, merge_repeated=False)
    assert values[0].numpy().tolist() == [0, 0, 1, 0]
    assert shapes[0].numpy().tolist() == [2, 3]
    np.testing.assert_allclose(scores, [[-0.9871], [-2.0890]], atol=1e-4)


@pytest.mark.parametrize("scale", [0.0, 0.5, 3.0, 30.0])
def test_beams_in_native_code_are_those_of_the_search_in_python(monkeypatch, scale):
    random = np.random.default_rng(int(scale))
    for _ in range(40):
        steps, classes, width = (int(random.integers(low, 14)) for low in (1, 1, 1))
        logits = np.round(random.normal(size=(steps, 2, classes)) * scale, 1).astype(np.float32)
        if classes > 1:
            logits[random.integers(0, steps), 0, random.integers(0, classes)] = -np.inf
        results = []
        monkeypatch.undo()
        for is_native in (True, False):
            if not is_native:
                monkeypatch.setattr(
                    ctc.CTCBeamSearchDecoder, "_search",
                    lambda op, log_p: ctc_reference.search(log_p, op.beam_width),
                )  # fmt: skip
            results.append(
                raw.CTCBeamSearchDecoder(
                    inputs=logits, sequence_length=np.array([steps, steps // 2], np.int32),
                    beam_width=width, top_paths=min(width, 3), merge_repeated=False,
                )
            )  # fmt: skip
        for native, python in zip(*map(tf.nest.flatten, results), strict=True):
            np.testing.assert_allclose(native, python, rtol=1e-6)


def test_the_best_paths_of_a_full_beam():
    # recorded from TensorFlow 2.21
    logits = np.random.RandomState(1).randn(14, 1, 6).astype(np.float32)
    arguments = dict(inputs=logits, sequence_length=np.array([14], np.int32), beam_width=6)
    _, values, _, scores = raw.CTCBeamSearchDecoder(**arguments, top_paths=3, merge_repeated=False)
    assert [path.numpy().tolist() for path in values] == [
        [0, 2, 3, 0, 2, 1, 2, 1],
        [0, 2, 3, 0, 2, 1, 2, 1, 2],
        [0, 2, 3, 0, 2, 1, 2],
    ]
    np.testing.assert_allclose(scores, [[-9.7162, -10.7389, -10.9786]], atol=2e-4)


def test_greedy_decoding_stops_at_each_length():
    best = np.array([[0, 1, 2], [0, 1, 1], [2, 1, 0], [1, 0, 0]])
    inputs = np.eye(3, dtype=np.float32)[best]
    sizes = np.array([4, 0, 3], np.int32)
    indices, values, shape, scores = raw.CTCGreedyDecoder(
        inputs=inputs, sequence_length=sizes, merge_repeated=True, blank_index=2
    )
    assert indices.numpy().tolist() == [[0, 0], [0, 1], [2, 0], [2, 1]]
    assert values.numpy().tolist() == [0, 1, 1, 0]
    assert shape.numpy().tolist() == [3, 2]
    assert scores.numpy().tolist() == [[-4], [0], [-3]]


def test_negative_lengths_are_no_positions_from_the_end():
    inputs, sizes = RNG.normal(size=(5, 2, 4)).astype(np.float32), np.array([5, -1], np.int32)
    labels = dict(labels_indices=np.array([[0, 0], [1, 0]]), labels_values=np.ones(2, np.int32))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"seq_len\(1\) < 0"):
        raw.CTCLoss(inputs=inputs, **labels, sequence_length=sizes)
    arguments = dict(inputs=inputs, beam_width=3, top_paths=1)
    found, wanted = (
        raw.CTCBeamSearchDecoder(**arguments, sequence_length=each)
        for each in (sizes, np.maximum(sizes, 0))
    )
    assert found.decoded_indices[0].numpy()[:, 0].tolist() == [0] * len(found.decoded_values[0])
    np.testing.assert_array_equal(found.log_probability, wanted.log_probability)


@pytest.mark.parametrize("merges", [True, False])
@pytest.mark.parametrize("size", [1, 60, 900])
def test_native_recursions_are_those_of_logarithms(size, merges):
    """Probabilities down to e ** -100000, logits of -inf and NaN, and equal labels in turn."""
    random = np.random.default_rng(size)
    logits = random.standard_normal((30, 4, 5)) * size
    logits[3, 1, 2], logits[7, 2, 0] = -np.inf, np.nan
    sizes = np.array([30, 22, 30, 1])
    labels = [np.array(row, np.int32) for row in ([0, 0, 1, 2, 2, 3], [1, 3, 2], [], [2])]
    with np.errstate(all="ignore"):
        found = ctc.losses_and_gradients(logits, sizes, labels, 4, merges)
        wanted = ctc_reference.losses_and_gradients(logits, sizes, labels, 4, merges)
    np.testing.assert_allclose(found[0], wanted[0], rtol=1e-11)
    np.testing.assert_allclose(found[1], wanted[1], atol=1e-9)


def test_labels_end_at_the_first_null_label():
    logits = RNG.normal(size=(5, 2, 4)).astype(np.float32)

    def loss(labels):
        indices = [[b, i] for b, row in enumerate(labels) for i in range(len(row))]
        return raw.CTCLoss(
            inputs=logits, labels_indices=indices, labels_values=[x for row in labels for x in row],
            sequence_length=[5, 5],
        )  # fmt: skip

    for found, expected in zip(loss([[1, 2, 3, 7], [0, 3]]), loss([[1, 2], [0]]), strict=True):
        np.testing.assert_array_equal(found, expected)
    with pytest.raises(tf.errors.InvalidArgumentError, match="non-null label .* following a null"):
        loss([[1, 3, 2], [0]])
    with pytest.raises(tf.errors.InvalidArgumentError, match="must be nonnegative"):
        loss([[1, -1], [0]])
