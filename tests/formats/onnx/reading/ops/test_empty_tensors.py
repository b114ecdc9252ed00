"""Tensors without elements, and scalars, as ONNX Runtime takes them."""

import numpy as np
import pytest

from tests.formats.onnx.reading.ops.microsoft.beside import floats, same


@pytest.mark.parametrize("dynamic", [(), (0, 1)])
@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (2, 3)])
@pytest.mark.parametrize("axis", [0, 1])
def test_hardmax_of_an_empty_axis_is_empty(shape, axis, dynamic):
    same("Hardmax", {"x": floats(*shape)}, dynamic=dynamic, domain="", axis=axis)


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect"])
@pytest.mark.parametrize("weights", [(), ("pads",)])
def test_an_empty_axis_to_which_nothing_is_added_is_padded_along_the_others(mode, weights):
    given = {"x": floats(3, 0), "pads": np.int64([1, 0, 2, 0])}
    same("Pad", given, weights=weights, domain="", mode=mode)


@pytest.mark.parametrize("axes", [[0], [0, 1], [-1]])
def test_a_scalar_gets_axes_that_are_an_input(axes):
    given = {"x": np.array(3, np.float32), "axes": np.int64(axes)}
    same("Unsqueeze", given, domain="")
