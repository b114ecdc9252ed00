"""Parts of images: beside ONNX Runtime."""

import numpy as np
import pytest

from tests.formats.onnx.reading.ops.microsoft.beside import floats, same

# Whole, a part, one beyond the image and turned around, a point.
BOXES = np.float32(
    [[0, 0, 1, 1], [0.2, 0.1, 0.7, 0.9], [-0.2, 0.5, 1.3, 0.1], [0.1, 0.3, 0.1, 0.3]]
)


@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
@pytest.mark.parametrize("size", [[3, 4], [1, 5], [7, 1]])
@pytest.mark.parametrize("weights", [(), ("size",)])
def test_boxes_of_images(mode, size, weights):
    given = {
        "x": floats(2, 3, 5, 6),
        "boxes": BOXES,
        "owners": np.int32([0, 1, 1, 0]),
        "size": np.int32(size),
    }
    same("CropAndResize", given, weights=weights, mode=mode, extrapolation_value=0.5)
