"""Reshapes, transpositions, slices, pads and joins."""

import numpy as np

from tests.fuzz.programs.drawing import NUMBERS, Rejected
from tests.fuzz.programs.steps import step

ALL = (*NUMBERS, "bool")


def factors(n):
    return [k for k in range(1, n + 1) if n % k == 0]


@step(2.5)
def reshaped(scope):
    """To any other split of the elements: known dimensions are multiplied and cut anew, one unknown is -1."""
    x = scope.pick(ALL, low=1)
    unknown = [i for i, n in enumerate(x.static) if n is None]
    known = int(np.prod([n for n in x.static if n is not None], dtype=np.int64))
    parts, rest = [], known
    while rest > 1 and len(parts) < 4:
        k = scope.choose(factors(rest))
        parts.append(k)
        rest //= k
        if scope.chance(0.25):
            break
    if scope.chance(0.2):
        parts.append(1)
    scope.random.shuffle(parts)
    texts = [str(p) for p in parts]
    if len(unknown) == 1 and scope.chance(0.5):
        texts.insert(scope.int(0, len(texts)), x.length(unknown[0]))
        if rest > 1:
            texts.insert(scope.int(0, len(texts)), str(rest))
    elif unknown or rest > 1 or scope.chance(0.3):
        texts.insert(scope.int(0, len(texts)), "-1")
    scope.add(f"tf.reshape({x}, [{', '.join(texts)}])")


@step(1.5)
def merged_axes(scope):
    """Two neighbouring axes become one."""
    x = scope.pick(ALL, low=2)
    at = scope.int(0, x.rank - 2)
    lengths = [x.length(i) for i in range(x.rank)]
    a, b = x.extent(at), x.extent(at + 1)
    joined = str(a * b) if a is not None and b is not None else "-1"
    scope.add(f"tf.reshape({x}, [{', '.join([*lengths[:at], joined, *lengths[at + 2 :]])}])")


@step(1.5)
def split_axis(scope):
    """An axis becomes two."""
    x = scope.pick(ALL, low=1, high=5)
    at = scope.axis(x, lambda n: n is not None and n > 1) % x.rank
    k = scope.choose(factors(x.extent(at)))
    lengths = [x.length(i) for i in range(x.rank)]
    cut = [str(k), str(x.extent(at) // k)]
    scope.add(f"tf.reshape({x}, [{', '.join([*lengths[:at], *cut, *lengths[at + 1 :]])}])")


@step(1.0)
def expanded(scope):
    x = scope.pick(ALL, high=4)
    scope.add(f"tf.expand_dims({x}, {scope.int(-x.rank - 1, x.rank)})")


@step(0.5)
def indexed_anew(scope):
    """tf.newaxis and an ellipsis."""
    x = scope.pick(ALL, low=1, high=4)
    scope.add(
        scope.choose(["{x}[:, tf.newaxis]", "{x}[..., tf.newaxis]", "{x}[tf.newaxis]"]).format(x=x)
    )


@step(0.7)
def squeezed(scope):
    x = scope.pick(ALL, low=1)
    scope.add(f"tf.squeeze({x}, [{scope.axis(x, lambda n: n == 1)}])")


@step(2.5)
def transposed(scope):
    x = scope.pick(ALL, low=2)
    scope.add(f"tf.transpose({x}, {[int(i) for i in scope.random.permutation(x.rank)]})")


def part(scope, n):
    """The text of a slice of an axis."""
    if n is None:
        return scope.choose([":", ":", "::-1", ":2", "1:", "::2", ":-1", "-2:"])
    if not n or scope.chance(0.4):
        return ":"
    first, last = sorted(int(i) for i in scope.random.integers(0, n + 1, 2))
    if scope.chance(0.15):
        return str(scope.int(-n, n - 1))
    stride = scope.choose([1, 1, 2, 3, -1, -2])
    return (
        f"{first}:{last}:{stride}"
        if stride > 0
        else f"{last}:{first if scope.chance(0.5) else ''}:{stride}"
    )


@step(2.0)
def sliced(scope):
    x = scope.pick(ALL, low=1)
    scope.add(f"{x}[{', '.join(part(scope, n) for n in x.static)}]")


@step(1.0)
def padded(scope):
    x = scope.pick(low=1, high=5)
    mode = scope.choose(["CONSTANT", "CONSTANT", "REFLECT", "SYMMETRIC"])
    most = [
        min(3, min(s[i] for s in x.shapes) - (mode == "REFLECT")) if mode != "CONSTANT" else 3
        for i in range(x.rank)
    ]
    widths = [[scope.int(0, max(0, n)) if scope.chance(0.6) else 0 for _ in range(2)] for n in most]
    value = (
        f", constant_values={scope.int(0, 3)}" if mode == "CONSTANT" and scope.chance(0.3) else ""
    )
    scope.add(f"tf.pad({x}, {widths}, {mode!r}{value})")


@step(1.5)
def joined(scope):
    x = scope.pick(ALL, low=1)
    axis = scope.int(0, x.rank - 1)

    def fits(v):
        return v.rank == x.rank and all(
            a[:axis] + a[axis + 1 :] == b[:axis] + b[axis + 1 :]
            for a, b in zip(v.shapes, x.shapes, strict=True)
        )

    parts = [x, *(scope.pick((x.dtype,), where=fits) for _ in range(scope.int(1, 3)))]
    texts = [str(p) if scope.chance(0.7) else f"tf.reverse({p}, [{axis}])" for p in parts]
    scope.random.shuffle(texts)
    scope.add(f"tf.concat([{', '.join(texts)}], {axis})")


@step(0.8)
def stacked(scope):
    x = scope.pick(ALL, high=4)
    parts = [
        x,
        *(
            scope.pick((x.dtype,), where=lambda v: v.shapes == x.shapes)
            for _ in range(scope.int(0, 2))
        ),
    ]
    scope.add(f"tf.stack([{', '.join(map(str, parts))}], {scope.int(0, x.rank)})")


@step(0.8)
def tiled(scope):
    x = scope.pick(ALL, low=1)
    scope.add(
        f"tf.tile({x}, {[scope.int(1, 2) if scope.chance(0.5) else 1 for _ in range(x.rank)]})"
    )


@step(0.5)
def repeated(scope):
    x = scope.pick(low=1)
    # An axis from the end needs the rank, which a function may not know.
    scope.add(f"tf.repeat({x}, {scope.int(1, 3)}, axis={scope.axis(x) % x.rank})")


@step(0.7)
def rolled(scope):
    x = scope.pick(low=1)
    scope.add(f"tf.roll({x}, {scope.int(-5, 5)}, {scope.axis(x)})")


@step(0.7)
def reversed_axes(scope):
    x = scope.pick(ALL, low=1)
    scope.add(f"tf.reverse({x}, {scope.axes(x)})")


@step(1.0)
def broadcast(scope):
    x = scope.pick(ALL, high=4)
    lengths = [str(scope.int(1, 5)) if x.extent(i) == 1 else x.length(i) for i in range(x.rank)]
    if scope.chance(0.5):
        lengths.insert(0, str(scope.int(1, 4)))
    scope.add(f"tf.broadcast_to({x}, [{', '.join(lengths)}])")


@step(1.0)
def cut_in_parts(scope):
    x = scope.pick(ALL, low=1)
    axis = scope.axis(x, lambda n: n is not None and n > 1) % x.rank
    k = scope.choose([k for k in factors(x.extent(axis)) if 1 < k <= 4] or [1])
    scope.add(f"tf.split({x}, {k}, {axis})", k) if k > 1 else scope.add(
        f"tf.unstack({x}, axis={axis})[0]"
    )


@step(0.3)
def space_to_depth(scope):
    x = scope.pick(("float32", "float64", "int32"), low=4, high=4)
    scope.add(f"tf.nn.{scope.choose(['space_to_depth', 'depth_to_space'])}({x}, 2)")


@step(0.4)
def banded(scope):
    x = scope.pick(low=2)
    if x.size > scope.drawing.limits.elements:
        raise Rejected
    texts = [
        "tf.linalg.band_part({x}, {a}, {b})",
        "tf.linalg.diag_part({x})",
        "tf.linalg.trace({x})",
    ]
    scope.add(scope.choose(texts).format(x=x, a=scope.int(-1, 3), b=scope.int(-1, 3)))
