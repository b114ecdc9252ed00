"""Banned repetitions and windows along a dimension, beside ONNX Runtime."""

import numpy as np
import pytest

from tests.formats.onnx.reading.ops.microsoft.beside import floats, same

TOKENS = np.array([[1, 2, 3, 1, 2, 0], [0, 0, 0, 0, 0, 0], [4, 1, 2, 3, 1, 2]])


@pytest.mark.parametrize("size", [1, 2, 3, 6, 7, 9])
@pytest.mark.parametrize("dynamic", [(), (0, 1)])
def test_tokens_that_would_repeat_a_sequence_are_banned(size, dynamic):
    given = {"tokens": TOKENS, "scores": floats(3, 5)}
    same("NGramRepeatBlock", given, dynamic=dynamic, ngram_size=size)


@pytest.mark.parametrize(("axis", "size", "step"), [(-1, 3, 2), (0, 2, 1), (1, 5, 3), (1, 1, 1)])
@pytest.mark.parametrize("dynamic", [(), (0, 1, 2)])
def test_windows_along_a_dimension(axis, size, step, dynamic):
    given = {"x": floats(4, 5, 6)}
    same("UnfoldTensor", given, dynamic=dynamic, dim=axis, size=size, step=step)
