"""Programs in the style of tutorials give TensorFlow's numbers, as near as TensorFlow itself without oneDNN."""

import pytest

from . import running

# One for each field, that take some seconds each; `make tutorials` runs all.
SHARE = """audio/ctc custom/callbacks custom/modules detection/ious methods/meta probabilistic/bayesian
recommendation/factorization reinforcement/reinforce science/energy series/quantiles sessions/control_flow
systems/pipelines text/ragged vision/siamese generative/dcgan pipelines/collected shapes/any_size shapes/lengths adapting/lora
keras2/siamese types/masked types/records solvers/operators saving/assets saving/folds detection/soft_nms
embeddings/slices custom/per_example""".split()


@pytest.mark.parametrize("name", SHARE)
def test_a_program_gives_the_numbers_of_tensorflow(name):
    assert not running.differences(running.on_penstock(name), running.expected_of(name))


def test_every_program_is_recorded():
    names = running.programs()
    assert set(SHARE) <= set(names)
    assert [name for name in names if running.expected_of(name) is None] == []


def test_differences_are_told_from_drift():
    expected = {"lines": ["RESULT loss 1.5 2.5", "RESULT shape (3,) ok"], "drift": [0.01, 0.0]}
    assert not running.differences(["RESULT loss 1.5 2.52", "RESULT shape (3,) ok"], expected)
    assert running.differences(["RESULT loss 1.5 2.6", "RESULT shape (3,) ok"], expected)
    assert running.differences(["RESULT loss 1.5 nan", "RESULT shape (3,) ok"], expected)
    assert running.differences(["RESULT loss 1.5 2.5", "RESULT shape (4,) ok"], expected)
    assert running.differences(["RESULT loss 1.5 2.5"], expected)
