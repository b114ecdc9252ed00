"""Writes recorded.json.gz: valid calls of raw ops and public functions, as our own tests make them.

python -m tests.fuzz.calls.recording tests/ops tests/api        arguments of pytest
"""

import collections
import gzip
import inspect
import json
import math
import os
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np

RECORDED = Path(__file__).parent / "recorded.json.gz"
MOST_CALLS = 4  # of one op or function
MOST_ELEMENTS = 4096  # of one call
MOST_VALUES = 16  # of one tensor of floats: they are repeated
MOST_TEXT = 1500
KIND_OF_HANDLE = {
    "Queue": "queue", "StaticTable": "table", "Table": "mutable_table", "DenseTable": "dense_table", "HostArray": "array",
    "HostStack": "stack", "IteratorHandle": "iterator", "TensorList": "list", "TensorMap": "map", "OptionalValue": "optional",
    "RaggedValue": "ragged", "SparseMatrix": "csr", "SeedGenerator": "seeds", "HostReader": "reader",
    "HostAccumulator": "accumulator", "Mutex": "mutex", "SummaryWriterHandle": "writer",
}  # fmt: skip


class NotRecorded(Exception):
    """An argument has no form as data."""


def as_data(value: Any) -> Any:
    """An argument as data.

    Raises:
      NotRecorded: it has none.
    """
    from penstock._src.core.dtypes import DType
    from penstock._src.core.shapes import TensorShape
    from penstock._src.eager.tensor import EagerTensor
    from tests.fuzz.calls import call

    if isinstance(value, str) and value.startswith("/"):
        raise NotRecorded  # a file of the test's
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, bytes):
        return {"bytes": value.decode("latin-1")}
    if isinstance(value, list):
        return [as_data(v) for v in value]
    if type(value) is tuple:
        return {"tuple": [as_data(v) for v in value]}
    if isinstance(value, DType):
        return {"dtype": value.name}
    if isinstance(value, TensorShape):
        return {"shape_of": None if value.rank is None else value.as_list()}
    if isinstance(value, EagerTensor):
        if value.dtype.name in ("resource", "variant"):
            return {"resource": _kind(value._value)}
        return _shortened(call.tensor(np.asarray(value._value), value.dtype.name))
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufcO":
        if value.dtype.kind == "O" and not all(isinstance(v, bytes) for v in value.ravel()):
            raise NotRecorded
        made = call.tensor(value, "string" if value.dtype.kind == "O" else value.dtype.name)
        return _shortened({"array": made.pop("tensor"), **made})
    if isinstance(value, np.generic):
        return value.item()
    raise NotRecorded


def _shortened(data: Any) -> Any:
    """A tensor as data, with few values if they are floats."""
    if "float" in (data.get("tensor") or data.get("array")):
        data["values"] = [round(v, 4) for v in data["values"][:MOST_VALUES]]
    return data


def _kind(handle: Any) -> str:
    while isinstance(handle, np.ndarray) and handle.ndim == 0:
        handle = handle.item()
    name = type(handle).__name__
    if name == "VariableHandle":
        if handle.value is None:
            raise NotRecorded
        return " ".join(["variable", handle.dtype.name, *map(str, np.shape(handle.value))])
    if name in KIND_OF_HANDLE:
        return KIND_OF_HANDLE[name]
    if hasattr(handle, "elements") or "ops.data" in type(handle).__module__:
        return "dataset"
    raise NotRecorded


def elements(data: Any) -> int:
    """How many elements the tensors of an argument have."""
    if isinstance(data, list):
        return sum(map(elements, data))
    if isinstance(data, dict):
        return math.prod(data["shape"]) if "values" in data else sum(map(elements, data.values()))
    return 1


def form(data: Any) -> Any:
    """What calls are told apart by: types, shapes and attributes, without the values of tensors."""
    if isinstance(data, dict):
        return {k: form(v) for k, v in data.items() if k != "values"}
    if isinstance(data, list):
        return [form(v) for v in data]
    return data


class Recorder:
    """Keeps the first calls of each name that differ in form."""

    def __init__(self) -> None:
        self.kept: dict[str, list[Any]] = collections.defaultdict(list)
        self.forms: dict[str, set[str]] = collections.defaultdict(set)
        self.busy = False

    def note(self, key: str, make: Any) -> None:
        """Keeps the call that `make` returns as data, if there is room for one of this name."""
        if self.busy or len(self.kept[key]) >= MOST_CALLS:
            return
        self.busy = True
        try:
            made = make()
            text = json.dumps(form(made))
            if (
                text in self.forms[key]
                or len(json.dumps(made)) > MOST_TEXT
                or elements(made) > MOST_ELEMENTS
            ):
                return
            self.forms[key].add(text)
            self.kept[key].append(made)
        except (NotRecorded, TypeError, AttributeError, ValueError):
            return  # an argument without a form as data
        finally:
            self.busy = False


def public_functions(tf: Any) -> dict[str, Any]:
    """{path: function} of the public functions, each once."""
    found: dict[int, tuple[str, Any]] = {}

    def walk(module: Any, path: tuple[str, ...]) -> None:
        for name in sorted(dir(module)):
            if name.startswith("_") or name in ("keras", "compat", "raw_ops", "lite", "test"):
                continue
            one = getattr(module, name, None)
            if isinstance(one, types.ModuleType) and one.__name__.startswith(tf.__name__ + "."):
                walk(one, (*path, name))
            elif isinstance(one, types.FunctionType):
                found.setdefault(id(one), (".".join((*path, name)), one))

    walk(tf, ())
    return dict(found.values())


class Plugin:
    """Records while pytest runs."""

    def __init__(self) -> None:
        import penstock as tf
        import penstock._src.api.load
        from penstock._src.util import slots

        self.recorder = Recorder()
        self.names: dict[Any, tuple[str, list[str]]] = {}
        for path, function in public_functions(tf).items():
            inner = inspect.unwrap(function)
            if isinstance(inner, types.FunctionType):
                code = inner.__code__
                self.names[code] = (
                    path,
                    list(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]),
                )
        self.run = slots.RUN_EAGERLY
        slots.RUN_EAGERLY = self.run_and_record

    def pytest_runtest_call(self) -> None:
        """Looks at the calls of each test, whatever the one before has done to the hook."""
        sys.setprofile(self.profile)

    def run_and_record(self, cls: Any, inputs: Any, attrs: Any) -> Any:
        made = self.run(cls, inputs, attrs)
        if not cls.flow.runs_functions:
            self.recorder.note(
                "op " + cls.op_type,
                lambda: {
                    "op": cls.op_type,
                    "inputs": [as_data(list(x) if isinstance(x, tuple) else x) for x in inputs],
                    "attrs": {name: as_data(value) for name, value in attrs.items()},
                },
            )
        return made

    def profile(self, frame: Any, event: str, _: Any) -> None:
        if event != "call":
            return
        known = self.names.get(frame.f_code)
        if known is None:
            return
        path, names = known
        held = frame.f_locals
        self.recorder.note(
            "function " + path,
            lambda: {
                "function": path,
                "arguments": {n: as_data(held[n]) for n in names if n != "name"},
            },
        )


def main() -> int:
    """Runs pytest with the arguments of the command line and writes the file."""
    import pytest

    os.environ.setdefault("PENSTOCK_VERIFY", "0")
    os.environ.setdefault("PENSTOCK_OPTIMIZE", "0")
    plugin = Plugin()
    pytest.main(["-q", "-p", "no:cacheprovider", *sys.argv[1:]], plugins=[plugin])
    sys.setprofile(None)
    calls = [call for key in sorted(plugin.recorder.kept) for call in plugin.recorder.kept[key]]
    text = "[\n" + ",\n".join(json.dumps(call) for call in calls) + "\n]\n"
    RECORDED.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    names = {key.split()[0] for key in plugin.recorder.kept}
    print(f"{len(calls)} calls of {len(plugin.recorder.kept)} {' and '.join(sorted(names))}s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
