"""Computes all functions of one library: `python child.py LIBRARY INPUT OUTPUT`, both files of numpy.savez.

Arrays are named "path dtype position"; those of bfloat16 are stored as their bits.
"""

import functools
import sys

import numpy as np


def found(root, path):
    """The function at a path under a module."""
    return functools.reduce(getattr, path.split("."), root)


def of_tensorflow(compiled, tf):
    """Returns a function (path, arrays, dtype) -> array of TensorFlow's API."""

    def compute(path, arrays, dtype):
        kind = tf.as_dtype(dtype).as_numpy_dtype
        function = found(tf, path)
        if compiled:
            function = tf.function(function, jit_compile=True)
        result = function(*(tf.constant(array.view(kind)) for array in arrays)).numpy()
        return result.view(np.int16) if dtype == "bfloat16" else result

    return compute


def of_torch():
    """Returns a function (path, arrays, dtype) -> array of PyTorch."""
    import torch

    def compute(path, arrays, dtype):
        kind = getattr(torch, dtype)
        result = found(torch, path)(*(torch.from_numpy(array).view(kind) for array in arrays))
        return (result.view(torch.int16) if dtype == "bfloat16" else result).numpy()

    return compute


def computing(library):
    """The function that computes for a library."""
    if library == "torch":
        return of_torch()
    if library == "tensorflow":
        import tensorflow as tf
    else:
        import penstock as tf
    return of_tensorflow(library == "penstock compiled", tf)


def main():
    library, source, target = sys.argv[1:]
    given = np.load(source)
    compute, results = computing(library), {}
    for case in sorted({name.rsplit(" ", 1)[0] for name in given.files}):
        path, dtype = case.split(" ")
        count = sum(name.startswith(case + " ") for name in given.files)
        arrays = [given[f"{case} {position}"] for position in range(count)]
        try:
            results[case] = np.asarray(compute(path, arrays, dtype))
        except Exception as error:  # a type that the library does not have
            print(f"{library}: {case}: {str(error).splitlines()[0][:100]}", file=sys.stderr)
    np.savez(target, **results)


if __name__ == "__main__":
    main()
