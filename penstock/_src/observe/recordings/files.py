"""The folder of a recording.

    recording.json      {"runs": [{"label", "step", "file", "function"}]}
    function-0.pb       a FunctionDefLibrary, whose first function is the recorded one
    function-0.json     where its operations come from, and what names stood for
    run-0.zip           run.json and tensors, each a TensorProto

Nothing in it is code: a folder from somebody else computes, and no more.
"""

from __future__ import annotations

import dataclasses
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.lines import Line, calls_of, functions_of, with_inner
from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.core.values.resources import VariableHandle
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.operation import SymbolicTensor
from penstock._src.graph.serialize.exporter import function_library
from penstock._src.observe.recordings.run import Run
from penstock._src.ops.random.philox import Stream
from penstock._src.ops.tensor_proto import from_proto, to_proto
from penstock._src.proto.graph import FunctionDefLibrary
from penstock._src.proto.tensor import TensorProto
from penstock._src.util.locations import Location

INDEX = "recording.json"


def write(folder: str, runs: Sequence[Run]) -> None:
    """Writes runs and their functions."""
    os.makedirs(folder, exist_ok=True)
    functions: dict[str, int] = {}
    index: dict[str, Any] = {"runs": []}
    for number, run in enumerate(runs):
        if run.function.name not in functions:
            functions[run.function.name] = len(functions)
            _write_function(folder, len(functions) - 1, run.function)
        file = f"run-{number}.zip"
        _write_run(os.path.join(folder, file), run)
        of = functions[run.function.name]
        index["runs"].append({"label": run.label, "step": run.step, "file": file, "function": of})
    with open(os.path.join(folder, INDEX), "w", encoding="utf-8") as text:
        json.dump(index, text, indent=1)


def _write_function(folder: str, number: int, function: Any) -> None:
    library = function_library(function)
    with open(os.path.join(folder, f"function-{number}.pb"), "wb") as out:
        out.write(library.SerializeToString())
    facts: dict[str, Any] = {"name": function.name, "operations": {}, "lines": []}
    names = names_of_graphs(function)
    made_at: dict[int, Location | None] = {}
    for graph in with_inner(function.graph):
        made_at.update({t._id: op.location for op in graph._operations for t in op.outputs})
        for call in calls_of(graph):
            for line, following in zip(call.lines, call.lines[1:]):
                place = [call.code.co_filename, line.number, call.code.co_name]
                bound = _tensors_of(following, names)
                if bound:
                    facts["lines"].append([place, bound])
    for graph in with_inner(function.graph):
        for op in graph._operations:
            origin = [op.location, made_at.get(op.gradient_of)]
            for name in names[id(graph)]:
                facts["operations"][f"{name}\n{op.name}"] = origin
    with open(os.path.join(folder, f"function-{number}.json"), "w", encoding="utf-8") as text:
        json.dump(facts, text)


def names_of_graphs(function: GraphFunction) -> dict[int, list[str]]:
    """The names of the functions over each graph that a function runs, by the ids of the graphs."""
    names: dict[int, list[str]] = {id(function.graph): [function.name]}
    for graph in with_inner(function.graph):
        for op in graph._operations:
            for inner in functions_of(op):
                held = names.setdefault(id(inner.graph), [])
                if inner.name not in held:
                    held.append(inner.name)
    return names


def _tensors_of(line: Line, names: Mapping[int, list[str]]) -> dict[str, list[Any]]:
    """The names of tensors that are bound by the time of a line: {name: [function, operation, output]}."""
    bound = {}
    for name, value in line.bound.items():
        if isinstance(value, SymbolicTensor) and id(value.graph) in names:
            bound[name] = [names[id(value.graph)][0], value.op.name, value.value_index]
    return bound


def _write_run(path: str, run: Run) -> None:
    snapshot = run.snapshot
    arrays = {id(h): a for h, a in zip(snapshot.handles, snapshot.before.arrays, strict=True)}
    with zipfile.ZipFile(path, "w") as archive:
        tensors = _Tensors(archive)
        names = names_of_graphs(run.function)
        inputs = []
        for tensor, value in zip(run.function.inputs, snapshot.values, strict=True):
            if isinstance(value, VariableHandle):
                kept = tensors.add(arrays[id(value)], value.dtype)
                number = [id(h) for h in snapshot.handles].index(id(value))
                inputs.append({"variable": number, "name": value.name, "tensor": kept})
            else:
                inputs.append({"tensor": tensors.add(value, tensor.dtype)})
        facts = {
            "inputs": inputs,
            "host": [
                [name, op, [tensors.add_all(v) for v in values]]
                for (graph, op), values in run.host.items()
                for name in names[graph]
            ],
            "random": [
                [_path(key), [int(word) for word in state.position]]
                for key, state in snapshot.before.positions.items()
                if isinstance(state, Stream)
            ],
        }
        results = zip(run.function.outputs, run.results)
        facts["results"] = [tensors.add(value, tensor.dtype) for tensor, value in results]
        archive.writestr("run.json", json.dumps(facts))


def _path(key: Any) -> list[str]:
    """The names of the calls around an operation that draws random numbers, and its own."""
    names = []
    while isinstance(key, tuple):
        key, op = key
        names.append(op.name)
    return [key.name, *reversed(names)]


class _Tensors:
    """Writes arrays into an archive, each once."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive, self._known = archive, {}  # type: tuple[Any, dict[int, tuple[int, Any]]]

    def add(self, value: Any, dtype: Any = None) -> int | None:
        """Returns the number of a tensor; None if it is no array, such as an iterator."""
        if not isinstance(value, np.ndarray):
            return None
        if id(value) not in self._known:
            number = len(self._known)
            try:
                proto = to_proto(value, dtype or dtypes.as_dtype(value.dtype))
            except UnimplementedError:
                return None
            self._archive.writestr(f"{number}.pb", proto.SerializeToString())
            self._known[id(value)] = number, value
        return self._known[id(value)][0]

    def add_all(self, values: Sequence[Any]) -> list[int | None]:
        """Returns the numbers of the results of an operation."""
        return [self.add(value) for value in values]


# -- reading


@dataclasses.dataclass(frozen=True)
class RecordedRun:
    """A run as it was written. Tensors are arrays, or None for what no file holds."""

    label: str
    step: int
    inputs: list[dict[str, Any]]
    host: dict[tuple[str, str], list[list[Any]]]
    random: list[tuple[list[str], list[int]]]
    results: list[Any]
    library: Any
    facts: Mapping[str, Any]

    def origin(self, graph: str, operation: str) -> tuple[Location | None, Location | None]:
        """The line that made an operation, and the line whose gradient it is."""
        found = self.facts["operations"].get(f"{graph}\n{operation}", (None, None))
        own, of = (None if place is None else Location(*place) for place in found)
        return own, of


def read(folder: str, step: int | None = None, label: str | None = None) -> RecordedRun:
    """Returns a recorded run: the last one, or that of a step, of the function with this name if there are several.

    Raises:
      InvalidArgumentError: the folder holds no such run.
    """
    try:
        with open(os.path.join(folder, INDEX), encoding="utf-8") as text:
            index = json.load(text)
    except OSError:
        raise InvalidArgumentError(f"{folder} holds no recording: there is no {INDEX}.") from None
    runs = [r for r in index["runs"] if label in (None, r["label"])]
    chosen = [r for r in runs if step in (None, r["step"])]
    if not chosen:
        steps = ", ".join(f"{r['label']} {r['step']}" for r in index["runs"])
        raise InvalidArgumentError(f"{folder} holds no such run. It holds: {steps or 'none'}.")
    found = max(chosen, key=lambda run: run["step"])
    number = int(found["function"])
    library = FunctionDefLibrary()
    with open(os.path.join(folder, f"function-{number}.pb"), "rb") as data:
        library.ParseFromString(data.read())
    with open(os.path.join(folder, f"function-{number}.json"), encoding="utf-8") as text:
        facts = json.load(text)
    with zipfile.ZipFile(os.path.join(folder, os.path.basename(found["file"]))) as archive:
        run = json.loads(archive.read("run.json"))

        def tensor(of: int | None) -> Any:
            if of is None:
                return None
            return from_proto(TensorProto.FromString(archive.read(f"{int(of)}.pb")))

        inputs = [{**entry, "tensor": tensor(entry["tensor"])} for entry in run["inputs"]]
        results = [tensor(number) for number in run["results"]]
        host = {
            (graph, name): [[tensor(t) for t in values] for values in kept]
            for graph, name, kept in run["host"]
        }
    return RecordedRun(
        found["label"], found["step"], inputs, host, run["random"], results, library, facts
    )
