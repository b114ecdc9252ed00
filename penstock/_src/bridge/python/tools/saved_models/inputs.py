"""Values for the inputs of a signature, from files, Python literals and tf.train.Examples."""

from __future__ import annotations

import ast
import logging
import re
from typing import Any

import numpy as np

from penstock._src.api.io import gfile
from penstock._src.proto.example import Example

log = logging.getLogger("tensorflow")
# The first bytes of .npy and .npz files, and of an archive without members.
_ARRAYS = (b"\x93NUMPY", b"PK\x03\x04", b"PK\x05\x06")


def load_inputs_from_input_arg_string(
    inputs_str: str, input_exprs_str: str, input_examples_str: str, allow_pickle: bool = True
) -> dict[str, Any]:
    """Returns the values of inputs by key; examples go before literals, and literals before files.

    Args:
      inputs_str: "key=file;key=file[name]", where name selects an array of a .npz file or an item of a pickled dict.
      input_exprs_str: "key=literal;...".
      input_examples_str: "key=[{feature: [value, ...]}, ...];...".
      allow_pickle: whether pickled files, which can run any code when they are read, are accepted.

    Raises:
      RuntimeError: an argument is malformed, an array is missing or ambiguous, or a file is pickled and may not be.
      ValueError: examples are malformed.
    """
    files = preprocess_inputs_arg_string(inputs_str)
    literals = preprocess_input_exprs_arg_string(input_exprs_str)
    examples = preprocess_input_examples_arg_string(input_examples_str)
    inputs = {key: _read(path, name, allow_pickle) for key, (path, name) in files.items()}
    for option, values in (("--input_exprs", literals), ("--input_examples", examples)):
        for key in values.keys() & inputs.keys():
            log.warning("Input %s is given more than once: the value of %s is used.", key, option)
        inputs.update(values)
    return inputs


def preprocess_inputs_arg_string(inputs_str: str) -> dict[str, tuple[str, str | None]]:
    """Returns {key: (file, name or None)} of "key=file;key=file[name]".

    Raises:
      RuntimeError: the string has another form.
    """
    sources = {}
    for part in filter(None, inputs_str.split(";")):
        match = re.fullmatch(r"([^=]+)=([^\[\]]+)(?:\[([^\[\]]+)\])?", part)
        if match is None:
            raise RuntimeError(
                f'--inputs "{part}" format is incorrect. Expected "<input_key>=<filename>" or '
                '"<input_key>=<filename>[<variable_name>]".'
            )
        sources[match[1]] = match[2], match[3]
    return sources


def preprocess_input_exprs_arg_string(input_exprs_str: str, safe: bool = True) -> dict[str, Any]:
    """Returns {key: value} of "key=expression;...".

    Args:
      input_exprs_str: the expressions, which hold no semicolon.
      safe: whether only literals are accepted. Otherwise the expressions run as Python, with NumPy as `np`.

    Raises:
      RuntimeError: the string has another form, or an expression is not a literal.
    """
    values = {}
    for part in filter(None, input_exprs_str.split(";")):
        key, equals, expression = part.partition("=")
        if not equals:
            raise RuntimeError(
                f'--input_exprs "{part}" format is incorrect. Expected "<input_key>=<python expression>".'
            )
        values[key] = _literal(expression) if safe else eval(expression, {"np": np})
    return values


def preprocess_input_examples_arg_string(input_examples_str: str) -> dict[str, list[bytes]]:
    """Returns {key: serialized tf.train.Examples} of "key=[{feature: [value, ...]}, ...];...".

    Raises:
      ValueError: a value is not a list, or its elements are of another type than int, float, str and bytes.
    """
    serialized = {}
    for key, examples in preprocess_input_exprs_arg_string(input_examples_str).items():
        if not isinstance(examples, list):
            raise ValueError(
                f'tf.Example input must be a list of dictionaries, but "{examples}" is {type(examples)}'
            )
        serialized[key] = [_serialized(example) for example in examples]
    return serialized


def _literal(expression: str) -> Any:
    try:
        return ast.literal_eval(expression)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError) as error:
        raise RuntimeError(f'Expression "{expression}" is not a valid python literal.') from error


def _serialized(features: dict[str, list[Any]]) -> bytes:
    """The tf.train.Example of {feature: values}; the first value determines the type."""
    example = Example()
    for name, values in features.items():
        if not isinstance(values, list) or not values:
            raise ValueError(
                f'feature value must be a list with elements, but {name}: "{values}" is {type(values)}'
            )
        feature = example.features.feature[name]
        if isinstance(values[0], float):
            feature.float_list.value.extend(values)
        elif isinstance(values[0], str):
            feature.bytes_list.value.extend(value.encode() for value in values)
        elif isinstance(values[0], bytes):
            feature.bytes_list.value.extend(values)
        elif isinstance(values[0], int):
            feature.int64_list.value.extend(values)
        else:
            raise ValueError(
                f"Type {type(values[0])} for value {values[0]} is not supported for tf.train.Feature."
            )
    return example.SerializeToString()


def _read(path: str, name: str | None, allow_pickle: bool) -> Any:
    """The array or object in a file."""
    with gfile.GFile(path, "rb") as file:
        start = file.read(6)
        if not allow_pickle and not start.startswith(_ARRAYS):
            raise RuntimeError(
                f"Input file {path} is neither .npy nor .npz. A pickled file can run any code when it is read: pass "
                "--allow_pickle if you trust it."
            )
        file.seek(0)
        data = np.load(file, allow_pickle=allow_pickle)
        return _selected(data, path, name)


def _selected(data: Any, path: str, name: str | None) -> Any:
    """The array that `name` selects from the content of a file."""
    if name is None:
        if not isinstance(data, np.lib.npyio.NpzFile):
            return data
        if len(data.files) != 1:
            raise RuntimeError(
                f"Input file {path} contains more than one ndarrays. Please specify the name of ndarray to use."
            )
        return data[data.files[0]]
    if isinstance(data, np.ndarray):
        log.warning("Input file %s contains a single ndarray: the name %s is not used.", path, name)
        return data
    if name not in data:
        raise RuntimeError(f'Input file {path} does not contain variable with name "{name}".')
    return data[name]
