"""Rules of matrix products and layers: batched matrices, and examples of all rows as one batch."""

import string

import numpy as np

from penstock._src.api.vectorized.rules import NotVectorizable, Value, rule
from penstock._src.api.vectorized.step import Step, whole
from penstock._src.core.registry import raw


@rule("MatMul")
def matmul(step: Step) -> list:
    """One product if only the first factor has rows, else a batched one."""
    op = step.op
    if step.is_stacked(0) and not step.is_stacked(1) and not op.transpose_a:
        return [step.parted(step.run(step.merged(step.values[0].tensor), step.common(1))[0])]
    if (op.transpose_a or op.transpose_b) and step.node.outputs[0].dtype.is_complex:
        raise NotVectorizable("row-wise products transpose complex matrices only with conjugation")
    a, b = (value.tensor for value in step.values)
    return step.other("BatchMatMulV2", a, b, adj_x=op.transpose_a, adj_y=op.transpose_b)


@rule("BatchMatMulV2", "BatchMatMulV3", "MatrixTriangularSolve")
def batched(step: Step) -> list:
    """Matrices broadcast over the axes before them."""
    rank = step.highest_rank()
    attrs = {n: step.op.attrs[n] for n in type(step.op).attributes if n in _FLAGS}
    kind = "MatrixTriangularSolve" if "lower" in attrs else "BatchMatMulV2"
    return step.other(kind, step.aligned(0, rank), step.aligned(1, rank), **attrs)


_FLAGS = ("adj_x", "adj_y", "lower", "adjoint")


@rule("Einsum")
def einsum(step: Step) -> list:
    """Adds a letter for the rows to the operands that have them and to the result."""
    equation = step.op.equation.replace(" ", "")
    letter = next(c for c in string.ascii_letters if c not in equation)
    operands, _, result = equation.partition("->")
    named = [
        letter + term if value.stacked else term
        for term, value in zip(operands.split(","), step.values, strict=True)
    ]
    text = f"{','.join(named)}->{letter}{result}"
    return step.run([value.tensor for value in step.values], equation=text)


@rule("SoftmaxCrossEntropyWithLogits")
def softmax_cross_entropy(step: Step) -> list:
    """Works on each example; logits and labels broadcast."""
    rank = max(step.rank(0), step.rank(1))
    outputs = step.run(*[step.merged(step.whole(i, rank)) for i in range(2)])
    return [step.parted(t, position) for position, t in enumerate(outputs)]


@rule("FusedBatchNormV3")
def batch_norm(step: Step) -> list:
    """Normalizes with statistics that all rows share."""
    if step.op.is_training:
        raise NotVectorizable("each row's examples have their own mean")
    rest = [step.common(i) for i in range(1, 5)]
    if len(step.node.outputs[0].shape) != 4:
        raise NotVectorizable("the rank of the input is not 4")
    outputs = step.run(step.merged(step.whole(0)), *rest)
    return [step.parted(outputs[0]), *(whole(Value(t, False), step.count) for t in outputs[1:])]


@rule("BiasAdd")
def bias_add(step: Step) -> list:
    """Adds along the last axis, or the one of channels."""
    rank = step.rank(0)
    if step.op.data_format not in (b"NCHW", "NCHW"):
        return step.other("AddV2", step.aligned(0, rank), step.aligned(1, rank))
    if not step.is_stacked(1):
        return [step.parted(step.run(step.merged(step.whole(0)), step.common(1))[0])]
    bias = step.values[1].tensor
    for axis in [1, *[-1] * (rank - 2)]:  # rows, examples, channels, and the axes after them
        bias = raw.ExpandDims(input=bias, axis=axis)
    return step.other("AddV2", step.aligned(0, rank), bias)


@rule("BiasAddGrad")
def bias_add_gradient(step: Step) -> list:
    """Sums each row over all axes but that of channels."""
    rank = step.rank(0)
    data_format = step.op.data_format
    channels = 2 if data_format in (b"NCHW", "NCHW") else rank
    axes = [axis for axis in range(1, rank + 1) if axis != channels]
    return step.other("Sum", step.whole(0), axes)


@rule("L2Loss")
def l2_loss(step: Step) -> list:
    """Half the sum of squares of each row."""
    tensor = step.whole(0)
    squares = step.other("Square", tensor)[0]
    axes = raw.Range(start=1, limit=raw.Rank(input=tensor), delta=1)
    total = step.other("Sum", squares, axes)[0]
    return step.other("Mul", total, np.asarray(0.5, total.dtype.as_numpy_dtype))


@rule("ParseExampleV2")
def parse_examples(step: Step) -> list:
    """Parses the serialized examples of all rows as one batch, if they have dense features only."""
    op = step.op
    if op.num_sparse or op.ragged_value_types:
        raise NotVectorizable("sparse and ragged features of rows cannot be stacked")
    names = step.values[1].tensor
    if names.shape.num_elements() != 0:
        raise NotVectorizable("the examples have names")
    rest = [step.common(i) for i in range(1, len(step.values))]
    if not step.rank(0):
        empty = step.other("Reshape", rest[0], [0])[0]
        return step.run_flat([step.whole(0), empty, *rest[1:]])
    outputs = step.run_flat([step.merged(step.whole(0)), *rest])
    return [step.parted(t, position) for position, t in enumerate(outputs)]


@rule("ParseSingleExample")
def parse_single_example(step: Step) -> list:
    """Parses the serialized example of each row as a batch, if it has dense features only."""
    op = step.op
    if op.num_sparse:
        raise NotVectorizable("sparse features of rows cannot be stacked")
    none = np.array([], "S")
    defaults = [step.common(i) for i in range(1, len(step.values))]
    keys = np.array(op.dense_keys, "S") if op.dense_keys else none
    return step.other(
        "ParseExampleV2", step.whole(0), none, none, keys, none, defaults,
        num_sparse=0, sparse_types=(), ragged_value_types=(), ragged_split_types=(),
        dense_shapes=op.dense_shapes,
    )  # fmt: skip


@rule("Eig", "SelfAdjointEigV2", "Svd")
def decompositions(step: Step) -> list:
    """Decompositions of stacked matrices; vectors that are not computed are one empty tensor for all rows."""
    values, *vectors = step.run(step.whole(0))
    computes_vectors = getattr(step.op, "compute_uv" if vectors[1:] else "compute_v")
    return [values, *(Value(tensor, computes_vectors) for tensor in vectors)]
