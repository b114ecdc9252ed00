"""Arguments of layers checked and converted; expected values are TensorFlow's."""

import pytest

import penstock as tf
from penstock._src.bridge.python.layers import utils


def test_layouts_of_convolutions():
    assert utils.convert_data_format("channels_last", 4) == "NHWC"
    assert utils.convert_data_format("channels_first", 3) == "NCW"
    with pytest.raises(ValueError, match="Input rank: 6 not supported"):
        utils.convert_data_format("channels_last", 6)
    with pytest.raises(ValueError, match="Invalid data_format: NHWC"):
        utils.convert_data_format("NHWC", 4)


def test_tuples_of_integers():
    assert utils.normalize_tuple(2, n=3, name="strides") == (2, 2, 2)
    assert utils.normalize_tuple([1, 2], n=2, name="strides") == (1, 2)
    for wrong in ([1, 2, 3], None, (1, "a")):
        with pytest.raises(ValueError, match="Argument `strides` must be a tuple of 2 integers"):
            utils.normalize_tuple(wrong, n=2, name="strides")


def test_words_are_put_in_lower_case_or_refused():
    assert utils.normalize_padding("SAME") == "same"
    assert utils.normalize_data_format("Channels_First") == "channels_first"
    with pytest.raises(ValueError, match="`padding` argument must be one of"):
        utils.normalize_padding("full")


@pytest.mark.parametrize(
    "padding, output, source, transposed",
    [("same", 3, 9, 10), ("valid", 2, 11, 11), ("full", 4, 7, 7)],
)
def test_lengths_of_convolutions(padding, output, source, transposed):
    assert utils.conv_output_length(5, 3, padding, 2) == output
    assert utils.conv_input_length(5, 3, padding, 2) == source
    assert utils.deconv_output_length(5, 3, padding, 2) == transposed
    assert utils.conv_output_length(10, 3, "valid", 1, dilation=2) == 6
    assert utils.conv_output_length(None, 3, padding, 2) is None


def test_conditions_that_are_known():
    assert utils.constant_value(0) is False and utils.constant_value(tf.constant(True))
    assert utils.constant_value(tf.Variable(True)) is None
    assert utils.smart_cond(True, lambda: "a", lambda: "b") == "a"
