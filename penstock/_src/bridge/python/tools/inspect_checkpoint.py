"""`tensorflow.python.tools.inspect_checkpoint`: the tensors of a checkpoint as text, also as a program."""

from __future__ import annotations

import argparse
import math
import re
import sys
from typing import Any

import numpy as np

from penstock._src.core import errors
from penstock._src.saving.state import load_checkpoint


def print_tensors_in_checkpoint_file(
    file_name: str,
    tensor_name: str | None,
    all_tensors: bool,
    all_tensor_names: bool = False,
    count_exclude_pattern: str = "",
) -> None:
    """Prints a checkpoint's tensors and how many numbers they hold.

    Args:
      file_name: the checkpoint, without the ending of its files.
      tensor_name: the tensor to print; if it is empty, all names, dtypes and shapes are printed.
      all_tensors: prints every tensor with its values.
      all_tensor_names: prints every tensor without values.
      count_exclude_pattern: a regular expression for names that are not counted.
    """
    try:
        reader = load_checkpoint(file_name)
        if all_tensors or all_tensor_names:
            for name in sorted(reader.get_variable_to_shape_map()):
                _print_tensor(reader, name, all_tensors)
        elif not tensor_name:
            print(reader.debug_string().decode("utf-8", errors="ignore"))
        elif not reader.has_tensor(tensor_name):
            print(f"Tensor {tensor_name} not found in checkpoint")
            return
        else:
            _print_tensor(reader, tensor_name, True)
        total = _count_total_params(reader, count_exclude_pattern)
        print(f"# Total number of params: {total}")
    except errors.OpError as error:
        print(error.message)
        if "corrupted compressed block contents" in error.message:
            print(
                "The checkpoint may be compressed with SNAPPY, which this reader does not support."
            )


def _print_tensor(reader: Any, name: str, with_values: bool) -> None:
    """Prints a tensor's name, dtype and shape, and perhaps its values."""
    kind = reader.get_variable_to_dtype_map()[name]
    print(f"tensor: {name} ({kind.name}) {reader.get_variable_to_shape_map()[name]}")
    if with_values:
        print(reader.get_tensor(name))


def _count_total_params(reader: Any, count_exclude_pattern: str = "") -> int:
    """Returns how many numbers the tensors hold whose names do not match a pattern."""
    sizes = {name: math.prod(shape) for name, shape in reader.get_variable_to_shape_map().items()}
    if count_exclude_pattern:
        pattern = re.compile(count_exclude_pattern)
        excluded = {name for name in sizes if pattern.search(name)}
        left_out = sum(sizes[name] for name in excluded)
        print(
            f"# Excluding {len(excluded)} tensors ({left_out} params) that match "
            f"{count_exclude_pattern} when counting."
        )
        sizes = {name: size for name, size in sizes.items() if name not in excluded}
    return sum(sizes.values())


def parse_numpy_printoption(kv_str: str) -> None:
    """Sets an option of `numpy.set_printoptions`, given as "name=value".

    Raises:
      argparse.ArgumentTypeError: the text has another form, or NumPy has no such option.
    """
    name, separator, text = kv_str.partition("=")
    if not separator or "=" in text:
        raise argparse.ArgumentTypeError(f"'{kv_str}' is not in the form k=v.")
    options: dict[str, Any] = dict(np.get_printoptions())
    if name not in options:
        raise argparse.ArgumentTypeError(f"'{name}' is not a valid printoption.")
    kind = type(options[name])
    try:
        if kind is bool:
            value: Any = {"true": True, "t": True, "false": False, "f": False}[text.lower()]
        else:
            value = None if kind is type(None) and text == "None" else kind(text)
    except (KeyError, TypeError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"'{text}' is not a value of '{name}'.") from error
    np.set_printoptions(**{name: value})


def main(arguments: list[str] | None = None) -> None:
    """Prints the tensors of the checkpoint that the command line names."""
    parser = argparse.ArgumentParser(description="Prints the tensors of a checkpoint.")
    parser.add_argument("--file_name", required=True, help="the checkpoint")
    parser.add_argument("--tensor_name", default="", help="the tensor to print")
    parser.add_argument("--count_exclude_pattern", default="", help="names that are not counted")
    parser.add_argument("--all_tensors", nargs="?", const=True, default=False, type=_is_true)
    parser.add_argument("--all_tensor_names", nargs="?", const=True, default=False, type=_is_true)
    parser.add_argument("--printoptions", nargs="*", type=parse_numpy_printoption)
    options = parser.parse_args(arguments)
    print_tensors_in_checkpoint_file(
        options.file_name,
        options.tensor_name,
        options.all_tensors,
        options.all_tensor_names,
        options.count_exclude_pattern,
    )


def _is_true(text: str) -> bool:
    """True for "true" in any case."""
    return text.lower() == "true"


if __name__ == "__main__":
    main(sys.argv[1:])
