"""Products of matrices, einsum, convolutions and pools."""

import numpy as np

from tests.fuzz.programs.drawing import FLOATS, Rejected
from tests.fuzz.programs.steps import step

PRODUCTS = (*FLOATS, "int32", "int64", "complex64", "complex128")
SMALL = {"float16": 0.2, "bfloat16": 0.2, "float32": 0.3, "float64": 0.3}
WORK = 400_000  # products of numbers


MOST_PRODUCTS = 20 * WORK  # of two values of the program


def within(*extents):
    """Raises Rejected where the extents of all axes of a product have too large a product in one of the samples.

    An empty axis counts as one: what is summed over it may be large.
    """
    if max(int(np.prod(np.maximum(e, 1))) for e in extents) > MOST_PRODUCTS:
        raise Rejected("a large product")


def scaled(scope, text, dtype):
    """Keeps sums of the order of 1, often."""
    return f"{text} * {SMALL[dtype]}" if dtype in SMALL and scope.chance(0.7) else text


@step(3.0)
def product(scope):
    """With weights, either side transposed."""
    x = scope.pick(PRODUCTS, low=2)
    if x.extent(-1) is None and x.extent(-2) is None:
        raise Rejected
    turned = x.extent(-1) is None or (x.extent(-2) is not None and scope.chance(0.25))
    k, width = x.extent(-2 if turned else -1), scope.width()
    if not k or x.size * width > WORK:
        raise Rejected
    across = scope.chance(0.3)
    w = scope.weights([width, k] if across else [k, width], x.dtype)
    if x.rank > 2 and not turned and not across and scope.chance(0.5):
        text = f"tf.tensordot({x}, {w}, 1)"
    else:
        options = (", transpose_a=True" if turned else "") + (
            ", transpose_b=True" if across else ""
        )
        text = f"tf.matmul({x}, {w}{options})"
    scope.add(scaled(scope, text, x.dtype), sums=True)


@step(1.5)
def product_of_two(scope):
    x = scope.pick(PRODUCTS, low=2)
    a, b = scope.chance(0.4), scope.chance(0.4)

    def fits(y):
        if y.rank < 2 or y.dtype != x.dtype:
            return False
        try:
            for s, t in zip(x.shapes, y.shapes, strict=True):
                np.broadcast_shapes(s[:-2], t[:-2])
                if s[-2 if a else -1] != t[-1 if b else -2]:
                    return False
        except ValueError:
            return False
        return True

    y = scope.pick((x.dtype,), low=2, where=fits)
    within(*((*s, t[-2 if b else -1], *t[:-2]) for s, t in zip(x.shapes, y.shapes)))
    text = (
        f"tf.matmul({x}, {y}{', transpose_a=True' if a else ''}{', transpose_b=True' if b else ''})"
    )
    scope.add(scaled(scope, text, x.dtype), sums=True)


@step(1.0)
def gram(scope):
    x = scope.pick(PRODUCTS, low=2, high=4)
    options = scope.choose(["transpose_a=True", "transpose_b=True"])
    within(*((*s, s[-1 if "_a" in options else -2]) for s in x.shapes))
    scope.add(scaled(scope, f"tf.matmul({x}, {x}, {options})", x.dtype), sums=True)


@step(1.0)
def attention(scope):
    """Scores, a softmax, and what they weigh."""
    x = scope.pick(("float32", "float64", "bfloat16"), low=3, high=4)
    within(*((*s, s[-2]) for s in x.shapes))
    scores = f"tf.matmul({x}, {x}, transpose_b=True) * 0.3"
    if scope.chance(0.4):
        scores = f"tf.where({x}[..., :1] > 0, {scores}, -30.0)"
    scope.add(f"tf.matmul(tf.nn.softmax({scores}), {x})", sums=True)


SUMS = {
    2: ["ab,ac->bc", "ab,cb->ac", "ab,ab->a", "ab,ab->b", "ab,ab->", "ab,b->a", "ab,a->b"],
    3: [
        "abc,abd->acd",
        "abc,adc->abd",
        "abc,abc->ac",
        "abc,cd->abd",
        "abc,bd->acd",
        "abc,c->ab",
        "abc,abd->dc",
        "abc,dbc->ad",
    ],
    4: [
        "abcd,abed->abce",
        "abcd,ab->cd",
        "abcd,de->abce",
        "abcd,aecd->abce",
        "abcd,abcd->bd",
        "abcd,ce->abed",
    ],
}


@step(2.0)
def einsum(scope):
    x = scope.pick(PRODUCTS, low=2, high=4)
    text = scope.choose(SUMS[x.rank])
    letters = text.split("->")[0].split(",")
    sizes = {c: [s[i] for s in x.shapes] for i, c in enumerate(letters[0])}

    def fits(y):
        if y.rank != len(letters[1]):
            return False
        return all(
            c not in sizes or [s[i] for s in y.shapes] == sizes[c] for i, c in enumerate(letters[1])
        )

    try:
        y = scope.pick((x.dtype,), where=fits)
    except Rejected:
        wanted = [
            x.extent(letters[0].index(c)) if c in sizes else scope.width() for c in letters[1]
        ]
        if None in wanted:
            raise
        y = scope.weights(wanted, x.dtype)
    else:
        for s, t in zip(x.shapes, y.shapes):
            extents = dict(zip(letters[0], s)) | dict(zip(letters[1], t))
            within(tuple(extents.values()))
    scope.add(scaled(scope, f"tf.einsum({text!r}, {x}, {y})", x.dtype), sums=True)


@step(2.0)
def conv2d(scope):
    x = scope.pick(("float32", "float64", "float16", "bfloat16"), low=4, high=4)
    channels, size, out = (
        x.extent(-1),
        scope.choose([1, 2, 3, 3, 3, 5]),
        scope.choose([1, 2, 3, 4, 8, 16]),
    )
    if not channels or x.size * size * size * out > 4 * WORK:
        raise Rejected
    padding, stride = scope.choose(["SAME", "VALID"]), scope.choose([1, 1, 2])
    dilated = ", dilations=2" if stride == 1 and scope.chance(0.15) else ""
    kind = scope.choose(["plain", "plain", "plain", "depthwise", "transposed"])
    if kind == "plain":
        w = scope.weights([size, size, channels, out], x.dtype)
        text = f"tf.nn.conv2d({x}, {w}, {stride}, {padding!r}{dilated})"
    elif kind == "depthwise":
        w = scope.weights([size, size, channels, scope.choose([1, 1, 2])], x.dtype)
        text = f"tf.nn.depthwise_conv2d({x}, {w}, [1, {stride}, {stride}, 1], {padding!r})"
    else:
        w = scope.weights([size, size, out, channels], x.dtype)
        n, h, v = (x.length(i) for i in range(3))
        text = f"tf.nn.conv2d_transpose({x}, {w}, [{n}, {h} * {stride}, {v} * {stride}, {out}], {stride}, 'SAME')"
    scope.add(scaled(scope, text, x.dtype), sums=True)


@step(1.0)
def conv1d(scope):
    x = scope.pick(("float32", "float64", "bfloat16"), low=3, high=3)
    channels, size, out = x.extent(-1), scope.choose([1, 2, 3]), scope.choose([1, 3, 4, 8])
    if not channels or x.size * size * out > WORK:
        raise Rejected
    w = scope.weights([size, channels, out], x.dtype)
    text = f"tf.nn.conv1d({x}, {w}, {scope.choose([1, 1, 2])}, {scope.choose(['SAME', 'VALID'])!r})"
    scope.add(scaled(scope, text, x.dtype), sums=True)


@step(1.0)
def pooled(scope):
    x = scope.pick(("float32", "float64", "bfloat16", "float16"), low=3, high=4)
    size, stride, padding = scope.int(1, 3), scope.int(1, 2), scope.choose(["SAME", "VALID"])
    name = scope.choose(["max_pool", "avg_pool"]) + f"{x.rank - 2}d"
    scope.add(f"tf.nn.{name}({x}, {size}, {stride}, {padding!r})", sums=True)


@step(1.0)
def as_image(scope):
    """What is flat becomes images for convolutions."""
    x = scope.pick(
        FLOATS, low=2, where=lambda v: None not in v.static[1:] and np.prod(v.static[1:]) % 4 == 0
    )
    n = int(np.prod(x.static[1:]))
    sides = [
        (h, w) for h in (2, 3, 4, 5, 6, 7, 8) for w in (2, 3, 4, 7, 8) if n and n % (h * w) == 0
    ]
    if not sides:
        raise Rejected
    h, w = scope.choose(sides)
    scope.add(f"tf.reshape({x}, [-1, {h}, {w}, {n // (h * w)}])")


@step(0.7)
def dense(scope):
    """A layer: product, bias, activation; as a product of what all but the first axis hold."""
    x = scope.pick(FLOATS, low=2, where=lambda v: None not in v.static[1:])
    k, width = int(np.prod(x.static[1:])), scope.width()
    if not k or x.size * width > WORK:
        raise Rejected
    w, b = scope.weights([k, width], x.dtype), scope.weights([width], x.dtype)
    act = scope.choose(["tf.nn.relu", "tf.tanh", "tf.nn.softmax", "tf.identity"])
    scope.add(f"{act}(tf.matmul(tf.reshape({x}, [-1, {k}]), {w}) * 0.3 + {b})", sums=True)
