"""Layers that move values: reshaping, cropping, padding; and those that merge tensors."""

from __future__ import annotations

import math

from tests.fuzz.models.drawing.drawing import Drawing


def factors(d: Drawing, count: int, rank: int) -> list[int]:
    """Some shape of `count` elements."""
    found = []
    for _ in range(rank - 1):
        part = d.pick(*[f for f in range(1, min(count, 16) + 1) if count % f == 0])
        found.append(part)
        count //= part
    found.append(count)
    d.random.shuffle(found)
    return found


def reshape(d: Drawing, x: int) -> int:
    """Reshape, Flatten, Permute, RepeatVector, at times dense before or behind."""
    shape = d.shape(x)
    if None in shape:
        return (
            d.layer(x, d.pick("GlobalAveragePooling1D", "GlobalMaxPooling1D"))
            if len(shape) == 2
            else x
        )
    count = math.prod(shape)
    kind = d.pick(
        "Reshape",
        "Reshape",
        "Flatten",
        "Permute",
        "RepeatVector",
        "Dense to image",
        "Flatten to dense",
    )
    if kind == "Dense to image":
        image = [d.pick(1, 2, 3, 4, 5, 7), d.pick(1, 2, 4, 7), d.pick(1, 2, 3, 8, 16)]
        if d.maybe(0.3):
            image.insert(0, d.pick(2, 3))
        flat = x if len(shape) == 1 else d.layer(x, "Flatten")
        if math.prod(image) * count > 40000:
            return flat
        flat = d.layer(
            flat, "Dense", units=math.prod(image), activation=d.activation(), use_bias=d.maybe()
        )
        if d.maybe(0.3):
            flat = d.layer(flat, "BatchNormalization")
        return d.layer(flat, "Reshape", target_shape=image)
    if kind == "Flatten to dense" and count <= 1500:
        flat = d.layer(x, "Flatten")
        rank = d.pick(1, 2, 3)
        units = d.pick(6, 8, 12, 24, 36, 64) if rank > 1 else d.width()
        flat = d.layer(flat, "Dense", units=units, activation=d.activation())
        return d.layer(flat, "Reshape", target_shape=factors(d, units, rank)) if rank > 1 else flat
    if kind == "Permute" and len(shape) > 1:
        order = list(range(1, len(shape) + 1))
        d.random.shuffle(order)
        return d.layer(x, "Permute", dims=order)
    if kind == "RepeatVector" and len(shape) == 1:
        return d.layer(x, "RepeatVector", n=d.pick(1, 2, 3, 5))
    if kind == "Flatten":
        return d.layer(x, "Flatten")
    target = factors(d, count, d.pick(1, 2, 2, 3, 3, 4))
    if d.maybe(0.3):
        target[d.random.randrange(len(target))] = -1
    return d.layer(x, "Reshape", target_shape=target)


def frame(d: Drawing, x: int) -> int:
    """Cropping, padding or upsampling of 1 to 3 dimensions."""
    shape = d.shape(x)
    n = len(shape) - 1
    if not 1 <= n <= 3 or None in shape:
        return x
    kind = d.pick("Cropping", "ZeroPadding", "UpSampling")
    if kind == "Cropping":
        cuts = []
        for extent in shape[:-1]:
            left = d.random.randrange(0, min(3, extent))
            cuts.append([left, d.random.randrange(0, min(3, extent - left))])
        return d.layer(x, f"Cropping{n}D", cropping=cuts[0] if n == 1 else cuts)
    if d.elements(x) > 600:
        return x
    if kind == "ZeroPadding":
        pads = [[d.random.randrange(3), d.random.randrange(3)] for _ in range(n)]
        return d.layer(x, f"ZeroPadding{n}D", padding=pads[0] if n == 1 else pads)
    if n == 2 and d.maybe():
        return d.layer(
            x, "UpSampling2D", size=[d.pick(1, 2, 3), 2],
            interpolation=d.pick("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"),
        )  # fmt: skip
    return d.layer(x, f"UpSampling{n}D", size=2 if n == 1 else [d.pick(1, 2) for _ in range(n)])


def same_shape(d: Drawing, x: int) -> list[int]:
    """Other tensors of x's shape."""
    return [
        i for i in range(d.count())
        if i != x and d.shape(i) == d.shape(x) and d.dtype(i) == d.dtype(x)
    ]  # fmt: skip


def merge(d: Drawing, x: int) -> int:
    """A layer of two or three tensors; a branch is made if none fits."""
    shape = d.shape(x)
    kind = d.pick(
        "Add",
        "Add",
        "Subtract",
        "Multiply",
        "Average",
        "Maximum",
        "Minimum",
        "Concatenate",
        "Dot",
        "broadcast",
    )
    others = same_shape(d, x)
    if shape[-1] is None:  # no layer has as many units
        others = others or [x]
    elif not others or d.maybe(0.3):
        others = [d.layer(x, "Dense", units=shape[-1], activation=d.activation())]
    other = d.pick(*others)
    if kind == "Concatenate":
        return d.add({"$": "layers.Concatenate", "axis": d.pick(-1, 1)}, x, other, form="list")
    if kind == "Dot" and len(shape) <= 2 and None not in shape:
        axes = d.pick(-1, 1, len(shape))
        made = {"$": "layers.Dot", "axes": axes, "normalize": d.maybe(0.3)}
        return d.add(made, x, other, form="list")
    if kind == "broadcast" and len(shape) > 1 and None not in shape:
        gate = d.formula(
            f"keras.ops.mean({{0}}, axis={list(range(1, len(shape)))}, keepdims=True)", x
        )
        gate = d.layer(gate, "Dense", units=shape[-1], activation="sigmoid")
        return d.add({"$": "layers.Multiply"}, x, gate, form="list")
    if kind in ("Dot", "broadcast"):
        kind = "Add"
    extra = (
        [d.pick(*others)]
        if kind in ("Add", "Multiply", "Average", "Maximum") and d.maybe(0.2)
        else []
    )
    return d.add({"$": f"layers.{kind}"}, x, other, *extra, form="list")


def share(d: Drawing, x: int) -> int:
    """A layer used before, on another tensor of the shape that it was made for."""
    first = len(d.inputs)
    fitting = [
        first + i for i, node in enumerate(d.nodes)
        if "make" in node and node.get("form", "one") == "one" and d.shape(node["of"][0]) == d.shape(x)
        and d.dtype(node["of"][0]) == d.dtype(x) and node["make"]["$"] != "layers.Embedding"
    ]  # fmt: skip
    if not fitting:
        return x
    node = d.pick(*fitting)
    return d.add(None, x, same=node)
