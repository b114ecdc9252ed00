"""Batch normalization: statistics over all axes except the feature axis."""

from penstock._src.ir.node import Node
from penstock._src.ops.xla.translation.translate import Translation, translates
from penstock._src.stablehlo.module import HloOperation


class _Features:
    """The feature axis of one operation's operand."""

    def __init__(self, t: Translation, operation: HloOperation, x: Node) -> None:
        self.p, self.x = t.p, x
        self.epsilon = operation.attribute("epsilon")
        self.axis = operation.attribute("feature_index")
        self.others = [i for i in range(x.rank) if i != self.axis]

    def wide(self, values: Node) -> Node:
        """Values per feature, broadcast to the operand's shape."""
        return self.p.broadcast(values, self.x.shape, [self.axis])

    def scale(self, variance: Node) -> Node:
        """1 / deviation, broadcast to the operand's shape."""
        return self.wide(self.p.rsqrt(self.p.add(variance, self.epsilon)))


@translates("batch_norm_inference")
def batch_norm_inference(
    t: Translation,
    operation: HloOperation,
    x: Node,
    scale: Node,
    offset: Node,
    mean: Node,
    variance: Node,
) -> Node:
    """x normalized with given statistics to mean `offset` and deviation `scale`."""
    features = _Features(t, operation, x)
    centered = (x - features.wide(mean)) * features.scale(variance)
    return centered * features.wide(scale) + features.wide(offset)


@translates("batch_norm_training")
def batch_norm_training(
    t: Translation, operation: HloOperation, x: Node, scale: Node, offset: Node
) -> list[Node]:
    """x normalized with its own statistics to mean `offset` and deviation `scale`; and its mean and variance."""
    features = _Features(t, operation, x)
    mean = t.p.reduce_mean(x, features.others)
    variance = t.p.reduce_mean(t.p.square(x - features.wide(mean)), features.others)
    return [
        batch_norm_inference(t, operation, x, scale, offset, mean, variance),
        mean,
        variance,
    ]


@translates("batch_norm_grad")
def batch_norm_grad(
    t: Translation,
    operation: HloOperation,
    x: Node,
    scale: Node,
    mean: Node,
    variance: Node,
    dy: Node,
) -> list[Node]:
    """The gradients of x, scale and offset."""
    features = _Features(t, operation, x)
    inverse = features.scale(variance)
    centered = (x - features.wide(mean)) * inverse
    d_scale = t.p.reduce_sum(dy * centered, features.others)
    d_offset = t.p.reduce_sum(dy, features.others)
    count = x.size // x.shape[features.axis]
    mean_part = (features.wide(d_offset) + centered * features.wide(d_scale)) / t.p.scalar(
        count, x.dtype
    )
    return [(dy - mean_part) * features.wide(scale) * inverse, d_scale, d_offset]
