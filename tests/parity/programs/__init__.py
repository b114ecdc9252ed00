"""Small programs of raw ops; `record.py` keeps what TensorFlow gives for them, `../test_programs.py` compares.

A program is a public function of a module here. It takes the TensorFlow that it runs on and a folder for files, and
returns tensors, arrays, bytes, numbers, and lists and tuples of them.
"""

import importlib
import pathlib
import pkgutil
from collections.abc import Callable
from typing import Any

import numpy as np


def programs() -> dict[str, Callable[..., Any]]:
    """Returns {module.function: program}, in the order of names."""
    found = {}
    for module in sorted(
        m.name for m in pkgutil.iter_modules([str(pathlib.Path(__file__).parent)])
    ):
        if module == "record":
            continue
        scope = importlib.import_module(f"{__name__}.{module}")
        for name, value in sorted(vars(scope).items()):
            if callable(value) and not name.startswith("_") and value.__module__ == scope.__name__:
                found[f"{module}.{name}"] = value
    return found


def parts(value: Any) -> list[Any]:
    """Returns what a program gave as a flat list of arrays and bytes."""
    if isinstance(value, (list, tuple)):
        return [part for item in value for part in parts(item)]
    if isinstance(value, dict):
        return [part for _, item in sorted(value.items()) for part in parts(item)]
    array = np.asarray(value.numpy() if hasattr(value, "numpy") else value)
    return [array]


def in_session(tf: Any, build: Callable[[], Any]) -> Any:
    """Builds a graph of its own, initialises its variables and returns the values of what `build` returned.

    A function among what it returned is called with the session instead.
    """
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        made = build()
        session.run([v1.global_variables_initializer(), v1.get_collection("initial values")])
        return [m(session) if callable(m) else session.run(m) for m in made]


def reference(tf: Any, value: Any) -> Any:
    """Makes a variable that ops take by reference, for a program in a session."""
    value = np.asarray(value)
    made = tf.raw_ops.VariableV2(shape=value.shape, dtype=tf.as_dtype(value.dtype))
    tf.compat.v1.add_to_collection("initial values", tf.raw_ops.Assign(ref=made, value=value))
    return made
