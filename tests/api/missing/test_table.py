"""Symbols that only raise say what they would do and why they do not."""

import _ctypes
import inspect

import pytest

import penstock as tf
from penstock._src.api.missing import table
from penstock._src.api.missing.raising import MissingFunction


@pytest.mark.parametrize("attribute", table._ROWS)
def test_rows_raise_when_they_are_called(attribute):
    row, made = table._ROWS[attribute], getattr(table, attribute)
    assert made.__doc__.startswith(row.meaning)
    if row.check is None and row.parameters is not None:
        given = [1 for p in inspect.signature(made).parameters.values() if p.default is p.empty]
        with pytest.raises(row.error, match=row.reason):
            made(*given)
    if isinstance(row, MissingFunction) and "**" not in row.parameters:
        with pytest.raises(TypeError, match="unexpected keyword argument 'other'"):
            made(other=1)


def test_arguments_are_looked_at_first(tmp_path):
    with pytest.raises(ValueError, match="Could not open"):
        tf.lite.Interpreter(str(tmp_path / "none"))
    with pytest.raises(OSError):
        tf.lite.experimental.load_delegate(str(tmp_path / "none.so"))
    with pytest.raises(AttributeError, match="tflite_plugin_create_delegate"):
        tf.lite.experimental.load_delegate(_ctypes.__file__)
    assert tf.lite.Interpreter.__name__ == "Interpreter"
    assert isinstance(tf.lite.experimental.QuantizationDebugger.options, property)
