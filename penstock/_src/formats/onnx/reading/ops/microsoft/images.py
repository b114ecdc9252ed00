"""CropAndResize: parts of images that a detector finds, all of one size."""

from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.ops.nn.convolution import first, last
from penstock._src.formats.onnx.reading.registry import MICROSOFT, Node, reads


@reads("CropAndResize", domain=MICROSOFT, settings=(3,))
def _crop_and_resize(n: Node, x: Any, boxes: Any, owners: Any, size: Any) -> Any:
    mode = n.attr("mode", "bilinear")
    if mode not in ("bilinear", "nearest"):
        raise InvalidArgumentError(
            f"CropAndResize: mode must be bilinear or nearest. Received: {mode}"
        )
    crops = raw.CropAndResize(
        last(t.of_rank(x, 4)),
        boxes,
        t.cast(owners, dtypes.int32),
        t.cast(size, dtypes.int32),
        method=mode,
        extrapolation_value=n.attr("extrapolation_value", 0.0),
    )
    return first(t.cast(crops, x.dtype))
