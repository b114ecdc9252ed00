"""Layers that take tensors of any rank: dense, normalization, activations, regularisation."""

from __future__ import annotations

from tests.fuzz.models.drawing.drawing import Drawing


def dense(d: Drawing, x: int) -> int:
    """A dense layer over the last axis, now and then a wide one."""
    shape = d.shape(x)
    units = d.width()
    if d.maybe(0.15) and shape[-1] <= 64:
        units = d.pick(48, 64, 96, 128, 147)
    made = {
        "$": "layers.Dense", "units": units, "activation": d.activation(),
        **d.options(use_bias=(False,)), **d.regularised("kernel", "bias"),
    }  # fmt: skip
    if d.maybe(0.08):
        made = {
            "$": "layers.SpectralNormalization",
            "layer": made,
            "power_iterations": d.pick(1, 2),
        }
    elif len(shape) >= 2 and d.maybe(0.1) and not (d.any_lengths and None in shape):
        # Keras's layer keeps the length that it was traced for, on TensorFlow, too.
        made = {"$": "layers.TimeDistributed", "layer": made}
    return d.add(made, x)


def einsum(d: Drawing, x: int) -> int:
    """An EinsumDense of one or two new axes."""
    rank = len(d.shape(x))
    rest = "bcdefg"[: rank - 1]
    units = d.width()
    if d.maybe():
        equation, out, bias = f"a{rest}x,xy->a{rest}y", [None] * (rank - 1) + [units], "y"
    else:
        equation, out, bias = f"a{rest}x,xyz->a{rest}yz", [None] * (rank - 1) + [2, units], "yz"
    options = {"bias_axes": d.pick(bias, bias[-1])} if d.maybe(0.7) else {}
    return d.layer(
        x, "EinsumDense", equation=equation, output_shape=out, activation=d.activation(), **options
    )


def normalization(d: Drawing, x: int) -> int:
    """One of the normalizations."""
    shape = d.shape(x)
    kind = d.pick("batch", "batch", "layer", "layer", "group", "unit", "rms", "fixed")
    if kind == "batch":
        return d.layer(x, "BatchNormalization", **d.options(
            momentum=(0.5, 0.9), epsilon=(0.01,), center=(False,), scale=(False,), axis=(-1, 1)
        ))  # fmt: skip
    if kind == "layer":
        axes = (-1, [-1, -2]) if len(shape) > 1 else (-1,)
        return d.layer(x, "LayerNormalization", **d.options(
            axis=axes, center=(False,), scale=(False,), epsilon=(0.01,)
        ))  # fmt: skip
    if kind == "group" and shape[-1]:
        groups = [g for g in (1, 2, 3, 4, 8, shape[-1]) if shape[-1] % g == 0]
        return d.layer(
            x, "GroupNormalization", groups=d.pick(*groups), **d.options(center=(False,))
        )
    if kind == "rms":
        return d.layer(x, "RMSNormalization")
    if kind == "unit":
        return d.layer(x, "UnitNormalization", **d.options(axis=(-1,)))
    return d.layer(
        x, "Normalization", axis=None, mean=0.3, variance=1.7, **d.options(invert=(True,))
    )


def activation(d: Drawing, x: int) -> int:
    """An activation layer."""
    kind = d.pick("named", "named", "LeakyReLU", "ELU", "PReLU", "ReLU", "Softmax", "Rescaling")
    shape = d.shape(x)
    if kind == "named":
        return d.layer(x, "Activation", activation=d.activation() or "relu")
    if kind == "PReLU":
        if None in shape:
            return d.layer(x, "LeakyReLU")
        shared = list(range(1, len(shape))) if d.maybe() and len(shape) > 1 else None
        return d.layer(x, "PReLU", shared_axes=shared)
    if kind == "ReLU":
        return d.layer(
            x, "ReLU", **d.options(max_value=(1.5,), negative_slope=(0.1,), threshold=(0.2,))
        )
    if kind == "Softmax":
        return d.layer(x, "Softmax", axis=d.pick(-1, 1))
    if kind == "Rescaling":
        return d.layer(x, "Rescaling", scale=d.pick(0.5, 2.0), offset=d.pick(0.0, -0.5))
    return d.layer(x, kind)


def regularisation(d: Drawing, x: int) -> int:
    """A layer that is random in training."""
    rank = len(d.shape(x))
    kinds = ["Dropout", "Dropout", "GaussianNoise", "GaussianDropout", "AlphaDropout", "Activity"]
    if 2 <= rank <= 4:
        kinds.append(f"SpatialDropout{rank - 1}D")
    kind = d.pick(*kinds)
    if kind == "Activity":
        return d.layer(x, "ActivityRegularization", l1=d.pick(0.0, 0.01), l2=0.01)
    if kind == "GaussianNoise":
        return d.layer(x, kind, stddev=0.3, seed=d.seed())
    shape = {}
    if kind == "Dropout" and rank > 1 and d.maybe(0.3):
        shape = {"noise_shape": [None, *[1] * (rank - 1), d.shape(x)[-1]]}
    return d.layer(x, kind, rate=d.pick(0.1, 0.3, 0.5), seed=d.seed(), **shape)


def formula(d: Drawing, x: int) -> int:
    """Operations of keras.ops between the layers."""
    shape = d.shape(x)
    rank = len(shape)
    choices = [
        "keras.ops.tanh({0} * 0.5)", "{0} * keras.ops.sigmoid({0})", "keras.ops.cumsum({0}, axis=1)",
        "{0} - keras.ops.mean({0}, axis=-1, keepdims=True)",
        "{0} / (1 + keras.ops.max(keras.ops.abs({0}), axis=1, keepdims=True))",
        "keras.ops.logsumexp({0}, axis=-1, keepdims=True) - {0}",
        "keras.ops.where({0} > 0, {0}, 0.3 * {0})", "keras.ops.sort({0}, axis=-1)",
        "keras.ops.flip({0}, axis=-1)", "keras.ops.roll({0}, 1, axis=1)",
        "keras.ops.clip({0}, -1, 1)", "keras.ops.square({0})", "keras.ops.sqrt(keras.ops.abs({0}) + 0.1)",
        "keras.ops.concatenate([{0}, keras.ops.flip({0}, axis=1)], axis=-1)",
        "keras.ops.stack([{0}, keras.ops.relu({0})], axis=1)", "keras.ops.expand_dims({0}, -1)",
        "{0}[:, ::2]", "{0}[..., :1] + {0}",
        "keras.ops.var({0}, axis=-1, keepdims=True) + {0}", "keras.ops.tile({0}, [1, 2])"
        if rank == 1 else "keras.ops.repeat({0}, 2, axis=1)",
        "keras.ops.norm({0}, axis=-1, keepdims=True) + {0}", "keras.ops.erf({0})", "keras.ops.log1p(keras.ops.abs({0}))",
    ]  # fmt: skip
    if rank == 2:
        choices += [
            "keras.ops.transpose({0}, [0, 2, 1])",
            "keras.ops.matmul({0}, keras.ops.transpose({0}, [0, 2, 1]))",
            "keras.ops.einsum('abc,adc->abd', {0}, {0})", "keras.ops.mean({0}, axis=1)",
            "keras.ops.max({0}, axis=2)", "{0}[:, -1]", "keras.ops.tril({0})",
        ]  # fmt: skip
    if rank >= 3:
        choices += [
            "keras.ops.mean({0}, axis=[1, 2])", "keras.ops.sum({0}, axis=-1)", "{0}[:, 0]", "{0}[..., 0]",
            "keras.ops.swapaxes({0}, 1, 3)", "keras.ops.moveaxis({0}, 1, -1)", "keras.ops.amax({0}, axis=[1, 2])",
        ]  # fmt: skip
    return d.formula(d.pick(*choices), x)


def by_extent(d: Drawing, x: int) -> int:
    """A layer whose numbers the size of the batch, or an unknown length, decides: by a remainder, a bit, a table."""
    shape = d.shape(x)
    axis = d.pick(0, *[i + 1 for i, n in enumerate(shape) if n is None])
    n = f"keras.ops.shape(x)[{axis}]"
    choices = [
        f"x * keras.ops.cast({n} % 3 + 1, x.dtype)", f"keras.ops.roll(x, {n} % 3, axis=-1)",
        f"keras.ops.cond({n} % 2 == 0, lambda: x, lambda: -x)",
        f"x + keras.ops.take(keras.ops.cast([0.0, 1.0, -0.5, 2.0], x.dtype), {n} % 4)",
        f"x * keras.ops.cast(keras.ops.bitwise_and({n}, 1) + 1, x.dtype)",
        f"keras.ops.switch({n} % 3, [lambda x: x, lambda x: keras.ops.flip(x, -1), lambda x: 0.5 * x], x)",
        f"x - keras.ops.cast(keras.ops.arange(1, 9), x.dtype)[{n} % 8]",
    ]  # fmt: skip
    if len(shape) > 1:
        cut = [f"x[:, {n} % 2:]", f"x[:, :{n} % 3 + 1]"]
        if axis == 0:  # Keras joins the results of batches: their other extents must not differ
            cut = [f"keras.ops.sum({part}, axis=1, keepdims=True)" for part in cut]
        choices += [*cut, f"keras.ops.roll(x, -({n} % 5), axis=1)"]
    return d.layer(x, "Lambda", function={"code": f"lambda x: {d.pick(*choices)}"})
