"""Tests drawn from combinations of parameters, without TensorFlow's own parameters."""

from penstock._src.bridge.testing.combinations import (
    NamedObject,
    OptionalParameter,
    ParameterModifier,
    TestCombination,
    combine,
    times,
)
from penstock._src.bridge.testing.combinations import generate_with as generate
