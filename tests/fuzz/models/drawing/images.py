"""Convolutions and pooling of 1 to 3 dimensions, and random augmentation."""

from __future__ import annotations

from typing import Any

from tests.fuzz.models.drawing.drawing import Drawing


def convolution(d: Drawing, x: int) -> int:
    """Any convolution."""
    shape = d.shape(x)
    n = len(shape) - 1
    kinds = ["Conv", "Conv", "Conv", "Transpose"]
    if n <= 2:
        kinds += ["DepthwiseConv", "SeparableConv"]
    kind = d.pick(*kinds)
    known = [extent for extent in shape[:-1] if extent]
    smallest = min(known) if len(known) == n else 1  # an unknown length may be 1
    size = [d.pick(*[k for k in (1, 2, 3, 3, 5, 7) if k <= smallest or k == 1]) for _ in range(n)]
    if d.maybe(0.4) and smallest >= 3:
        size = [3] * n
    filters = d.width()
    options: dict[str, Any] = {
        "kernel_size": size, "padding": d.pick("same", "valid"), "activation": d.activation(),
        **d.options(use_bias=(False,)),
    }  # fmt: skip
    moved = d.pick("plain", "plain", "strides", "dilation")
    if moved == "strides":
        stride = d.pick(2, 2, 3)
        options["strides"] = [stride] * n if kind in ("DepthwiseConv", "SeparableConv") or d.maybe(0.7) else [
            d.pick(1, 2) for _ in range(n)
        ]  # fmt: skip
    elif moved == "dilation" and smallest >= 2 * max(size):
        options["dilation_rate"] = [2] * n
    if kind == "Transpose":
        options.pop("dilation_rate", None)
        if d.elements(x) > 500:
            options.pop("strides", None)
        return d.layer(x, f"Conv{n}DTranspose", filters=filters, **options)
    if kind == "DepthwiseConv":
        return d.layer(x, f"DepthwiseConv{n}D", depth_multiplier=d.pick(1, 1, 2, 3), **options)
    if kind == "SeparableConv":
        return d.layer(
            x, f"SeparableConv{n}D", filters=filters, depth_multiplier=d.pick(1, 2), **options
        )
    groups = d.pick(*[g for g in (1, 1, 1, 2, 3, 4, 8) if shape[-1] % g == 0])
    if n == 1 and options["padding"] == "valid" and d.maybe(0.4):
        options["padding"] = "causal"
    filters = max(1, filters // groups) * groups
    made = {
        "$": f"layers.Conv{n}D", "filters": filters, "groups": groups, **options, **d.regularised("kernel")
    }  # fmt: skip
    if d.maybe(0.05) and groups == 1:
        made = {"$": "layers.SpectralNormalization", "layer": made}
    return d.add(made, x)


def pooling(d: Drawing, x: int) -> int:
    """Any pooling."""
    shape = d.shape(x)
    n = len(shape) - 1
    kind = d.pick("Max", "Max", "Average", "Average", "Global", "Adaptive")
    if kind == "Global" or None in shape:
        return d.layer(
            x, f"Global{d.pick('Max', 'Average')}Pooling{n}D", **d.options(keepdims=(True,))
        )
    if kind == "Adaptive" and min(shape[:-1]) > 1:
        # Keras pools with windows of two sizes, of which the larger one must fit.
        size = [d.random.randint(2, extent) for extent in shape[:-1]]
        return d.layer(
            x,
            f"Adaptive{d.pick('Max', 'Average')}Pooling{n}D",
            output_size=size[0] if n == 1 else size,
        )
    kind = "Average" if kind == "Adaptive" else kind
    size = [d.pick(*[k for k in (1, 2, 2, 3) if k <= extent]) for extent in shape[:-1]]
    options: dict[str, Any] = {
        "pool_size": size[0] if n == 1 else size,
        "padding": d.pick("same", "valid"),
    }
    if d.maybe(0.4):
        options["strides"] = d.pick(1, 2, 3)
    return d.layer(x, f"{kind}Pooling{n}D", **options)


def augmentation(d: Drawing, x: int) -> int:
    """A random transformation of images."""
    height, width, channels = d.shape(x)
    fills = {
        "fill_mode": d.pick("constant", "nearest", "reflect", "wrap"),
        "interpolation": "bilinear",
    }
    value = {"value_range": [0, 255], "seed": d.seed()}
    kind = d.pick(
        "RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomContrast", "RandomBrightness",
        "RandomCrop", "CenterCrop", "Resizing", "RandomShear", "RandomErasing", "RandomGrayscale", "RandomHue",
        "RandomSaturation", "RandomInvert", "RandomSharpness", "RandomGaussianBlur", "RandomPerspective",
    )  # fmt: skip
    if kind in ("RandomGrayscale", "RandomHue", "RandomSaturation") and channels != 3:
        kind = "RandomFlip"
    smaller = {"height": max(1, height - d.pick(0, 1, 2)), "width": max(1, width - d.pick(0, 1, 3))}
    options: dict[str, Any] = {
        "RandomFlip": {"mode": d.pick("horizontal", "vertical", "horizontal_and_vertical"), "seed": d.seed()},
        "RandomRotation": {"factor": d.pick(0.1, 0.3), "seed": d.seed(), **fills},
        "RandomZoom": {"height_factor": 0.2, "width_factor": d.pick(None, 0.3), "seed": d.seed(), **fills},
        "RandomTranslation": {"height_factor": 0.2, "width_factor": 0.3, "seed": d.seed(), **fills},
        "RandomContrast": {"factor": 0.3, **value},
        "RandomBrightness": {"factor": 0.3, **value},
        "RandomCrop": {**smaller, "seed": d.seed()},
        "CenterCrop": smaller,
        "Resizing": {
            "height": d.pick(3, 5, 8), "width": d.pick(4, 6, 9),
            "interpolation": d.pick("bilinear", "bicubic", "area", "lanczos3"),
        },
        "RandomShear": {"x_factor": 0.2, "y_factor": 0.2, "seed": d.seed(), **fills},
        "RandomErasing": {"factor": 1.0, "fill_value": 7, **value},
        "RandomGrayscale": {"factor": 0.5, "seed": d.seed()},
        "RandomHue": {"factor": 0.2, **value},
        "RandomSaturation": {"factor": 0.3, **value},
        "RandomInvert": {"factor": 0.5, **value},
        "RandomSharpness": {"factor": 0.4, **value},
        "RandomGaussianBlur": {"kernel_size": 3, **value},
        "RandomPerspective": {"factor": 0.5, "scale": 0.3, "seed": d.seed(), "interpolation": "bilinear"},
    }[kind]  # fmt: skip
    return d.layer(x, kind, **options)
