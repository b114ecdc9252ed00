"""From the same seeds, models of many kinds have TensorFlow's losses step by step."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.keras import zoo

RECORDED = json.loads(Path(__file__).with_name("losses.json").read_text())["losses"]


@pytest.mark.parametrize("make", zoo.KINDS, ids=lambda make: make.__name__)
def test_losses_are_tensorflows(make):
    found = zoo.losses(keras, make)
    np.testing.assert_allclose(found, RECORDED[make.__name__], rtol=2e-4, atol=1e-5)
