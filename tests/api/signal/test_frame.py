"""tf.signal.frame: its arguments are scalars."""

import pytest

import penstock as tf


@pytest.mark.parametrize(
    "arguments",
    [
        {"frame_length": [2]},
        {"frame_step": [1]},
        {"axis": [0]},
        {"pad_end": True, "pad_value": [1.0]},
    ],
)
def test_vectors_are_refused(arguments):
    arguments = {"frame_length": 2, "frame_step": 1, **arguments}
    with pytest.raises(ValueError, match=r"Shape \(1,\) must have rank 0"):
        tf.signal.frame([1.0, 2.0, 3.0], **arguments)
