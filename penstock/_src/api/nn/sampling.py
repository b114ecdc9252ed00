"""CTC, candidate sampling, and the losses over sampled classes."""

import numpy as np

from penstock._src.api.array.ranges import sequence_mask
from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.extending.scopes import scoped
from penstock._src.api.math.elementwise import cast
from penstock._src.api.nn.ctc import dense_ctc_loss
from penstock._src.api.random.seeds import op_seeds
from penstock._src.api.sparse.sparse_tensor import SparseTensor
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.typesets import NARROW
from penstock._src.util.export import export
from penstock._src.util.signatures import with_sections

from .embedding import lookup
from .losses import sigmoid_cross_entropy_with_logits, softmax_cross_entropy_with_logits


def _sample(op, true_classes, num_true, num_sampled, unique, range_max, seed, name, **more):
    if range_max is not None:
        more["range_max"] = range_max
    return op(
        true_classes=cast(convert_to_tensor(true_classes), dtypes.int64),
        num_true=num_true,
        num_sampled=num_sampled,
        unique=unique,
        **op_seeds(seed),
        **more,
        name=name,
    )


_SAMPLED = """
Args:
  true_classes: int64 `[batch, num_true]`; they only matter for `true_expected_count`.
  num_true: the number of true classes of an example.
  num_sampled: how many classes are drawn for the batch.
  unique: whether no class is drawn twice.
  range_max: classes are less than this.
  seed: an int.
  name: of the operation.

Returns:
  A named tuple: `sampled_candidates`, int64 `[num_sampled]`, and how often each class is expected to be drawn, float32:
  `true_expected_count` `[batch, num_true]` and `sampled_expected_count` `[num_sampled]`.
"""


@dispatchable(
    "random.log_uniform_candidate_sampler",
    v1=["random.log_uniform_candidate_sampler", "nn.log_uniform_candidate_sampler"],
)
@with_sections(_SAMPLED)
def log_uniform_candidate_sampler(
    true_classes, num_true, num_sampled, unique, range_max, seed=None, name=None
):
    """Classes drawn by Zipf's law: lower ids are more likely."""
    op = raw.LogUniformCandidateSampler
    return _sample(op, true_classes, num_true, num_sampled, unique, range_max, seed, name)


@dispatchable(
    "random.uniform_candidate_sampler",
    v1=["random.uniform_candidate_sampler", "nn.uniform_candidate_sampler"],
)
@with_sections(_SAMPLED)
def uniform_candidate_sampler(
    true_classes, num_true, num_sampled, unique, range_max, seed=None, name=None
):
    """Classes drawn with equal probability."""
    op = raw.UniformCandidateSampler
    return _sample(op, true_classes, num_true, num_sampled, unique, range_max, seed, name)


@dispatchable("nn.learned_unigram_candidate_sampler", "random.learned_unigram_candidate_sampler")
@with_sections(_SAMPLED)
def learned_unigram_candidate_sampler(
    true_classes, num_true, num_sampled, unique, range_max, seed=None, name=None
):
    """Classes drawn in proportion to how often they have been seen."""
    op = raw.LearnedUnigramCandidateSampler
    return _sample(op, true_classes, num_true, num_sampled, unique, range_max, seed, name)


@dispatchable("nn.fixed_unigram_candidate_sampler", "random.fixed_unigram_candidate_sampler")
def fixed_unigram_candidate_sampler(
    true_classes,
    num_true,
    num_sampled,
    unique,
    range_max,
    vocab_file="",
    distortion=1.0,
    num_reserved_ids=0,
    num_shards=1,
    shard=0,
    unigrams=(),
    seed=None,
    name=None,
):
    """Classes drawn with given weights.

    Args:
      true_classes, num_true, num_sampled, unique, range_max, seed, name: as
        `tf.random.uniform_candidate_sampler`'s.
      vocab_file: a file with a line for each class, whose last field (after a comma) is its
        weight.
      distortion: weights are raised to this power.
      num_reserved_ids: how many ids are put before the first weight and never drawn.
      num_shards, shard: only classes whose id modulo `num_shards` is `shard` are drawn.
      unigrams: the weights, instead of a file.

    Returns:
      What `tf.random.uniform_candidate_sampler` returns.
    """
    return _sample(
        raw.FixedUnigramCandidateSampler,
        true_classes,
        num_true,
        num_sampled,
        unique,
        range_max,
        seed,
        name,
        vocab_file=vocab_file,
        distortion=distortion,
        num_reserved_ids=num_reserved_ids,
        num_shards=num_shards,
        shard=shard,
        unigrams=list(unigrams),
    )


@export("random.all_candidate_sampler", "nn.all_candidate_sampler")
def all_candidate_sampler(true_classes, num_true, num_sampled, unique, seed=None, name=None):
    """All classes.

    Args:
      true_classes: int64 `[batch, num_true]`.
      num_true: the number of true classes of an example.
      num_sampled: the number of classes.
      unique: accepted; each class occurs once.
      seed: accepted; nothing is random.
      name: of the operation.

    Returns:
      What `tf.random.uniform_candidate_sampler` returns, with expected counts of 1.
    """
    op = raw.AllCandidateSampler
    return _sample(op, true_classes, num_true, num_sampled, unique, None, seed, name)


@dispatchable("nn.compute_accidental_hits")
def compute_accidental_hits(true_classes, sampled_candidates, num_true, seed=None, name=None):
    """The sampled classes that are true ones, with weights that cancel their logits.

    Args:
      true_classes: int64 `[batch, num_true]`.
      sampled_candidates: int64 `[num_sampled]`.
      num_true: the number of true classes of an example.
      seed: accepted; nothing is random.
      name: of the operation.

    Returns:
      A named tuple of vectors: `indices`, the int32 rows of `true_classes`; `ids`, the int64
      positions in `sampled_candidates`; and float32 `weights`, each the lowest number.
    """
    return raw.ComputeAccidentalHits(
        true_classes=true_classes,
        sampled_candidates=sampled_candidates,
        num_true=num_true,
        **op_seeds(seed),
        name=name,
    )


def _without_accidental_hits(logits, labels, classes, num_true, num_sampled):
    """The logits of sampled classes, made very small where a class is one of the example's true ones."""
    rows, ids, weights = compute_accidental_hits(labels, classes, num_true)
    places = raw.Pack(values=[cast(rows, dtypes.int32), cast(ids, dtypes.int32)], axis=1)
    # a sample that is several of an example's true classes is one hit
    dense = raw.SparseToDense(
        sparse_indices=places,
        # samples of another number than the call says do not fit
        output_shape=raw.Pack(values=[raw.Shape(input=logits)[0], num_sampled]),
        sparse_values=cast(weights, logits.dtype),
        default_value=np.zeros((), logits.dtype.as_numpy_dtype),
        validate_indices=False,
    )
    return logits + dense


def sampled_logits(
    weights,
    biases,
    labels,
    inputs,
    num_sampled,
    num_classes,
    num_true,
    sampled,
    subtract,
    remove,
    seed,
    strategy="div",
):
    """Return logits and labels of the true and the sampled classes. Weights and biases may be sharded."""
    labels = cast(convert_to_tensor(labels), dtypes.int64)
    flat = raw.Reshape(tensor=labels, shape=[-1])
    if sampled is None:
        sampled = log_uniform_candidate_sampler(
            labels, num_true, num_sampled, True, num_classes, seed
        )
    classes, true_expected, sampled_expected = (raw.StopGradient(input=s) for s in sampled)
    classes = cast(classes, dtypes.int64)
    everything = raw.ConcatV2(values=[flat, classes], axis=0)
    inputs = convert_to_tensor(inputs)
    rows = cast(lookup(weights, everything, strategy, None), inputs.dtype)
    offsets = cast(lookup(biases, everything, strategy, None), inputs.dtype)
    count = raw.Shape(input=flat)[0]
    true_w, sampled_w = rows[:count], rows[count:]
    true_b, sampled_b = offsets[:count], offsets[count:]
    sampled_part = raw.MatMul(a=inputs, b=sampled_w, transpose_b=True) + sampled_b
    width = raw.Shape(input=rows)[-1]
    products = raw.ExpandDims(input=inputs, axis=1) * raw.Reshape(
        tensor=true_w, shape=raw.Pack(values=[-1, num_true, width])
    )
    true_logits = raw.Sum(input=products, axis=[-1]) + raw.Reshape(
        tensor=true_b, shape=[-1, num_true]
    )
    if remove:
        sampled_part = _without_accidental_hits(
            sampled_part, labels, classes, num_true, num_sampled
        )
    if subtract:
        true_logits = true_logits - raw.Log(x=true_expected)
        sampled_part = sampled_part - raw.Log(x=sampled_expected)
    logits = raw.ConcatV2(values=[true_logits, sampled_part], axis=1)
    share = raw.OnesLike(x=true_logits) / np.asarray(num_true, logits.dtype.as_numpy_dtype)
    wanted = raw.ConcatV2(values=[share, raw.ZerosLike(x=sampled_part)], axis=1)
    return logits, wanted


@dispatchable("nn.nce_loss", v1=[])
def nce_loss(
    weights,
    biases,
    labels,
    inputs,
    num_sampled,
    num_classes,
    num_true=1,
    sampled_values=None,
    remove_accidental_hits=False,
    name="nce_loss",
):
    """The noise-contrastive estimation loss of each example. Weights and biases may be sharded.

    Args:
      weights: floats `[num_classes, dim]`, or a list of tensors that make it up along the first
        axis.
      biases: floats `[num_classes]`.
      labels: int64 `[batch, num_true]`.
      inputs: floats `[batch, dim]`.
      num_sampled: how many classes are drawn for the batch.
      num_classes: how many there are.
      num_true: the number of true classes of an example.
      sampled_values: what a candidate sampler returned; None: a `log_uniform_candidate_sampler`
        draws.
      remove_accidental_hits: whether drawn classes that are true ones do not count.
      name: of the operations.

    Returns:
      `[batch]` of the dtype of `inputs`.
    """
    return nce_loss_of_parts(
        weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values,
        remove_accidental_hits, "div", name,
    )  # fmt: skip


def nce_loss_of_parts(
    weights,
    biases,
    labels,
    inputs,
    num_sampled,
    num_classes,
    num_true,
    sampled_values,
    remove_accidental_hits,
    partition_strategy,
    name,
):
    """Compute `nce_loss` of weights with rows that a partition strategy divides among shards."""
    logits, wanted = sampled_logits(
        weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values, True,
        remove_accidental_hits, None, partition_strategy,
    )  # fmt: skip
    losses = sigmoid_cross_entropy_with_logits(labels=wanted, logits=logits)
    return raw.Sum(input=losses, axis=[1], name=name)


@dispatchable("nn.sampled_softmax_loss", v1=[])
def sampled_softmax_loss(
    weights,
    biases,
    labels,
    inputs,
    num_sampled,
    num_classes,
    num_true=1,
    sampled_values=None,
    remove_accidental_hits=True,
    seed=None,
    name="sampled_softmax_loss",
):
    """The softmax cross entropy over the true and the sampled classes. Weights and biases may be sharded.

    Args:
      weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values,
        remove_accidental_hits, name: as `tf.nn.nce_loss`'s.
      seed: of the sampler.

    Returns:
      `[batch]` of the dtype of `inputs`.
    """
    return sampled_softmax_loss_of_parts(
        weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values,
        remove_accidental_hits, "div", name, seed,
    )  # fmt: skip


def sampled_softmax_loss_of_parts(
    weights,
    biases,
    labels,
    inputs,
    num_sampled,
    num_classes,
    num_true,
    sampled_values,
    remove_accidental_hits,
    partition_strategy,
    name,
    seed,
):
    """Compute `sampled_softmax_loss` of weights with rows that a partition strategy divides among shards."""
    logits, wanted = sampled_logits(
        weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values, True,
        remove_accidental_hits, seed, partition_strategy,
    )  # fmt: skip
    return softmax_cross_entropy_with_logits(raw.StopGradient(input=wanted), logits, name=name)


def _with_blank_last(logits, labels, blank):
    """Moves the blank class to the end, where CTCLoss expects it, and numbers the labels accordingly."""
    classes = logits.shape[2]
    blank = blank + classes if blank < 0 else blank
    parts = [logits[:, :, :blank], logits[:, :, blank + 1 :], logits[:, :, blank : blank + 1]]
    one = np.asarray(1, np.int32)
    renumbered = raw.SelectV2(condition=labels < one * blank, t=labels, e=labels - one)
    return raw.ConcatV2(values=parts, axis=2), renumbered


@dispatchable("nn.ctc_loss", v1=["nn.ctc_loss_v2"], scope="ctc_loss_dense")
def ctc_loss(
    labels,
    logits,
    label_length,
    logit_length,
    logits_time_major=True,
    unique=None,
    blank_index=None,
    name=None,
):
    """Returns the loss of connectionist temporal classification of each sequence.

    It is the negative logarithm of the probability of all ways to stretch the labels, with blanks
    between, over the frames.

    Source: Graves and others, "Connectionist Temporal Classification", 2006.

    Args:
      labels: int32 `[batch, length]`, padded with zeros, or a `SparseTensor`.
      logits: floats `[frames, batch, classes]`, or `[batch, frames, classes]`.
      label_length: int32 `[batch]`; None if labels are sparse.
      logit_length: int32 `[batch]`: how many frames count.
      logits_time_major: whether frames are the first axis of `logits`.
      unique: accepted; results of `ctc_unique_labels` are not needed.
      blank_index: the class of the blank, negative numbers counting from the end; by default 0.
      name: a name for the operation.

    Returns:
      A float tensor `[batch]`; infinite where the labels do not fit into the frames.

    Raises:
      ValueError: labels are sparse and `blank_index` is missing.

    >>> logits = tf.zeros([2, 1, 3])
    >>> tf.nn.ctc_loss([[1]], logits, label_length=[1], logit_length=[2]).numpy().round(4)
    array([1.0986], dtype=float32)
    """
    del unique
    logits = convert_to_tensor(logits, name="logits")
    if not logits_time_major:
        logits = raw.Transpose(x=logits, perm=np.array([1, 0, 2], np.int32))
    if not isinstance(labels, SparseTensor):
        blank = cast(0 if blank_index is None else blank_index, dtypes.int32)
        loss = dense_ctc_loss(
            cast(labels, dtypes.int32),
            cast(logits, dtypes.float32),
            cast(label_length, dtypes.int32),
            cast(logit_length, dtypes.int32),
            raw.FloorMod(x=blank, y=raw.Shape(input=logits)[2]),
        )
        return cast(loss, logits.dtype)
    if blank_index is None:
        raise ValueError("Argument `blank_index` must be provided when labels is a SparseTensor.")
    indices, values = labels.indices, labels.values
    dtype = logits.dtype
    if dtype in NARROW:
        logits = cast(logits, dtypes.float32)
    logits, values = _with_blank_last(logits, cast(values, dtypes.int32), blank_index)
    loss = raw.CTCLoss(
        inputs=logits,
        labels_indices=indices,
        labels_values=values,
        sequence_length=cast(convert_to_tensor(logit_length), dtypes.int32),
        name=name,
    )[0]
    return cast(loss, dtype)


def _decoded(indices, values, shapes):
    return [SparseTensor(*p) for p in zip(indices, values, shapes, strict=True)]


@dispatchable("nn.ctc_greedy_decoder")
def ctc_greedy_decoder(inputs, sequence_length, merge_repeated=True, blank_index=None):
    """Returns the labels of the best class of each frame, without blanks.

    Args:
      inputs: floats `[frames, batch, classes]`: logits.
      sequence_length: int32 `[batch]`: how many frames count.
      merge_repeated: if True, a class that follows itself without a blank between is one label.
      blank_index: the class of the blank; by default the last.

    Returns:
      A list of one `SparseTensor` of labels `[batch, longest]`, and the negated sums of the best
      logits, `[batch, 1]`.

    Raises:
      InvalidArgumentError: a sequence is longer than there are frames.

    >>> logits = tf.math.log([[[0.8, 0.1, 0.1]], [[0.1, 0.1, 0.8]], [[0.1, 0.8, 0.1]]])
    >>> (labels,), _ = tf.nn.ctc_greedy_decoder(logits, [3])
    >>> labels.values.numpy()
    array([0, 1])
    """
    inputs = convert_to_tensor(inputs)
    indices, values, shape, scores = raw.CTCGreedyDecoder(
        inputs=inputs,
        sequence_length=sequence_length,
        merge_repeated=merge_repeated,
        blank_index=-1 if blank_index is None else blank_index,
    )
    return [SparseTensor(indices, values, shape)], scores


@dispatchable("nn.ctc_beam_search_decoder", v1=["nn.ctc_beam_search_decoder_v2"])
def ctc_beam_search_decoder(inputs, sequence_length, beam_width=100, top_paths=1):
    """Returns the most probable sequences of labels that a beam search finds.

    The last class is the blank.

    Args:
      inputs: floats `[frames, batch, classes]`: logits.
      sequence_length: int32 `[batch]`: how many frames count.
      beam_width: how many beginnings are kept from frame to frame.
      top_paths: how many sequences are returned, at most `beam_width`.

    Returns:
      A list of `top_paths` sparse tensors of labels, and the logarithms of their probabilities,
      `[batch, top_paths]`.

    Raises:
      InvalidArgumentError: a sequence is longer than there are frames, or `top_paths` exceeds
        `beam_width`.

    >>> logits = tf.math.log([[[0.8, 0.1, 0.1]], [[0.1, 0.1, 0.8]], [[0.1, 0.8, 0.1]]])
    >>> (labels,), _ = tf.nn.ctc_beam_search_decoder(logits, [3])
    >>> labels.values.numpy()
    array([0, 1])
    """
    indices, values, shapes, scores = raw.CTCBeamSearchDecoder(
        inputs=inputs,
        sequence_length=sequence_length,
        beam_width=beam_width,
        top_paths=top_paths,
        merge_repeated=False,
    )
    return _decoded(indices, values, shapes), scores


@dispatchable(v1=["nn.ctc_beam_search_decoder"])
def ctc_beam_search_decoder_v1(
    inputs, sequence_length, beam_width=100, top_paths=1, merge_repeated=True
):
    """`tf.nn.ctc_beam_search_decoder` that by default merges repeated labels of a path."""
    indices, values, shapes, scores = raw.CTCBeamSearchDecoder(
        inputs=inputs,
        sequence_length=sequence_length,
        beam_width=beam_width,
        top_paths=top_paths,
        merge_repeated=merge_repeated,
    )
    return _decoded(indices, values, shapes), scores


@dispatchable("nn.ctc_unique_labels")
@scoped("ctc_unique_labels")
def ctc_unique_labels(labels, name=None):
    """The distinct labels of each row, padded with zeros, and the index of each label among them.

    Args:
      labels: int32 or int64 `[batch, width]`.
      name: of the operations.

    Returns:
      [unique, indices]: int64 and int32, each `[batch, width]`.
    """
    labels = convert_to_tensor(labels, name="labels")
    width = raw.Shape(input=labels)[1]
    # equal[i, j, k]: whether labels j and k of row i are equal; the first of equal ones counts.
    across, down = raw.ExpandDims(input=labels, axis=1), raw.ExpandDims(input=labels, axis=2)
    equal = raw.Equal(x=down, y=across)
    places = raw.Range(start=0, limit=width, delta=1)
    earliest = raw.Min(input=raw.SelectV2(condition=equal, t=places, e=width), axis=[2])
    is_first = raw.Equal(x=earliest, y=places)
    number = raw.Cumsum(x=cast(is_first, dtypes.int32), axis=1) - np.int32(1)
    index = raw.GatherV2(params=number, indices=earliest, axis=1, batch_dims=1)
    slot = raw.SelectV2(condition=is_first, t=number, e=np.int32(-1))
    goes = raw.Equal(x=raw.ExpandDims(input=slot, axis=1), y=raw.ExpandDims(input=places, axis=1))
    wide = cast(across, dtypes.int64)
    chosen = raw.SelectV2(condition=goes, t=wide, e=raw.ZerosLike(x=wide))
    return [raw.Sum(input=chosen, axis=[2], name=name), index]


@dispatchable("nn.collapse_repeated")
def collapse_repeated(labels, seq_length, name=None):
    """Rows of labels with runs of equal ones reduced to one, and their new lengths.

    Args:
      labels: `[batch, width]`.
      seq_length: integers `[batch]`: how many labels of each row count.
      name: of the operations.

    Returns:
      (collapsed, lengths): `[batch, longest]`, padded with zeros, and `[batch]` of the type of `seq_length`.
    """
    labels, seq_length = convert_to_tensor(labels), convert_to_tensor(seq_length)
    first = raw.Fill(
        dims=raw.Pack(values=[raw.Shape(input=labels)[0], np.int32(1)]), value=np.bool_(True)
    )
    changes = raw.NotEqual(x=labels[:, 1:], y=labels[:, :-1])
    keep = raw.ConcatV2(values=[first, changes], axis=1)
    inside = sequence_mask(seq_length, raw.Shape(input=labels)[1])
    keep = raw.LogicalAnd(x=keep, y=inside)
    lengths = raw.Sum(input=cast(keep, seq_length.dtype), axis=[1])
    width = raw.Max(input=lengths, axis=[0])
    mask = sequence_mask(lengths, width)
    kept = raw.GatherNd(params=labels, indices=raw.Where(condition=keep))
    places = raw.Where(condition=mask)
    shape = cast(raw.Shape(input=mask), dtypes.int64)
    return raw.ScatterNd(indices=places, updates=kept, shape=shape), lengths
