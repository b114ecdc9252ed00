"""Messages of datasets about what functions return and files and batches that are not there; they are TensorFlow's."""

import re

import pytest

import penstock as tf

RANGE = tf.data.Dataset.range(6)


@pytest.mark.parametrize("method", ["map", "filter", "flat_map", "interleave", "take_while"])
def test_functions_that_return_operations_are_refused_by_name(method):
    message = re.escape(f"Unsupported return value from function passed to Dataset.{method}(): ")
    with pytest.raises(TypeError, match=message):
        getattr(RANGE, method)(lambda x: tf.no_op())


def test_scalars_have_no_batches():
    with pytest.raises(ValueError, match="Expected dataset with rank of >= 1"):
        RANGE.rebatch(2)
    with pytest.raises(ValueError, match="Cannot unbatch an input with scalar components"):
        RANGE.unbatch()


def test_patterns_without_files_are_listed(tmp_path):
    patterns = [f"{tmp_path}/*.a", f"{tmp_path}/*.b"]
    message = re.escape(f"Summarized data: b'No files matched pattern: {', '.join(patterns)}'")
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        tf.data.Dataset.list_files(patterns)
