"""Rules of layers: the examples of all rows become one batch."""

from penstock._src.api.vectorized.rules import NotVectorizable, Value, rule
from penstock._src.api.vectorized.step import Step, whole
from penstock._src.core.registry import raw


@rule("""
    Conv2D Conv3D DepthwiseConv2dNative MaxPool MaxPool3D AvgPool AvgPool3D DepthToSpace SpaceToDepth LRN
    ResizeBilinear ResizeBicubic ResizeNearestNeighbor ResizeArea AdjustHue AdjustSaturation AdjustContrastv2
""")
def of_examples(step: Step) -> list:
    """Works on each example: so many more examples."""
    rest = [step.common(i) for i in range(1, len(step.values))]
    return [step.parted(t) for t in step.run(step.merged(step.whole(0)), *rest)]


@rule("SoftmaxCrossEntropyWithLogits SparseSoftmaxCrossEntropyWithLogits MaxPoolGrad MaxPool3DGrad")
def of_pairs(step: Step) -> list:
    """Works on each example of several inputs."""
    rank = max(step.rank(i) for i in range(len(step.values)))
    if step.node.type == "SoftmaxCrossEntropyWithLogits":
        inputs = [step.merged(step.whole(i, rank)) for i in range(2)]
    else:
        inputs = [step.merged(step.whole(i)) for i in range(len(step.values))]
    return [step.parted(t) for t in step.run(*inputs)]


@rule("Conv2DBackpropInput Conv3DBackpropInputV2 DepthwiseConv2dNativeBackpropInput")
def input_gradient(step: Step) -> list:
    """The gradient of so many more examples."""
    sizes = _times(step, step.common(0))
    found = step.run(sizes, step.common(1), step.merged(step.whole(2)))[0]
    return [step.parted(found)]


@rule("AvgPoolGrad AvgPool3DGrad")
def average_gradient(step: Step) -> list:
    """The gradient of so many more examples."""
    found = step.run(_times(step, step.common(0)), step.merged(step.whole(1)))[0]
    return [step.parted(found)]


def _times(step: Step, sizes: object) -> object:
    """Returns a shape with so many more examples."""
    first = raw.Mul(x=sizes[:1], y=step.count)  # type: ignore[index]
    return raw.ConcatV2(values=[first, sizes[1:]], axis=0)  # type: ignore[index]


@rule("FusedBatchNormV3")
def batch_norm(step: Step) -> list:
    """Normalizes by numbers that all rows share."""
    if step.op.is_training:
        raise NotVectorizable("the examples of each row have a mean of their own")
    rest = [step.common(i) for i in range(1, 5)]
    if len(step.node.outputs[0].shape) != 4:
        raise NotVectorizable("the rank of the input is not 4")
    found = step.run(step.merged(step.whole(0)), *rest)
    return [step.parted(found[0]), *(whole(Value(t, False), step.count) for t in found[1:])]


@rule("BiasAdd")
def bias_add(step: Step) -> list:
    """Adds along the last axis, or the one of channels."""
    if step.op.data_format == b"NCHW" or step.op.data_format == "NCHW":
        return [step.parted(step.run(step.merged(step.whole(0)), step.common(1))[0])]
    rank = step.rank(0)
    return step.other("AddV2", step.aligned(0, rank), step.aligned(1, rank))


@rule("BiasAddGrad")
def bias_add_gradient(step: Step) -> list:
    """Sums each row over all axes but that of channels."""
    rank = step.rank(0)
    data_format = step.op.data_format
    channels = 2 if data_format in (b"NCHW", "NCHW") else rank
    axes = [axis for axis in range(1, rank + 1) if axis != channels]
    return step.other("Sum", step.whole(0), axes)
