"""The folder of a recording.

    recording.json      {"runs": [{"label", "step", "file", "function"}], "library": {"name", "version"}}
    function-0.pb       a FunctionDefLibrary, whose first function is the recorded one
    function-0.json     where its operations come from, and what names stood for
    run-0.zip           run.json and tensors, each a TensorProto

A run may hold what its operations computed ("values"), as those of TensorFlow do (`bridge/cli/verify/operations_recorder.py` writes them): these are shown and
compared as they are. Others are repeated.

Nothing in it is code: a folder from somebody else computes, and no more.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from google.protobuf.message import DecodeError

from penstock._src.core import dtypes
from penstock._src.core.calls.lines import Line, calls_of, functions_of, with_inner
from penstock._src.core.errors import DataLossError, InvalidArgumentError, UnimplementedError
from penstock._src.core.values.resources import VariableHandle
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.operation import SymbolicTensor
from penstock._src.graph.serialize.exporter import function_library
from penstock._src.observe.debugger.sessions import SessionFunction
from penstock._src.observe.recordings.compiled import compiled_values
from penstock._src.observe.recordings.run import Results, Run
from penstock._src.ops.random.philox import Stream
from penstock._src.ops.tensor_proto import from_proto, to_proto
from penstock._src.proto.graph import FunctionDefLibrary
from penstock._src.proto.tensor import TensorProto
from penstock._src.util.files.whole import written_whole
from penstock._src.util.locations import Location
from penstock._src.version import OWN_VERSION

INDEX = "recording.json"
OWN_NAME = "Penstock"
# Exceptions of readers of JSON, zip files and protocol buffers for truncated or modified files.
_DAMAGES = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    EOFError,
    zipfile.BadZipFile,
    DecodeError,
)


def write(folder: str, runs: Sequence[Run], with_values: bool = False) -> None:
    """Writes runs and their functions, and the compiled values of operations if requested."""
    os.makedirs(folder, exist_ok=True)
    functions: dict[int, int] = {}  # by identity: all functions of sessions have one name
    index: dict[str, Any] = {"runs": [], "library": {"name": OWN_NAME, "version": OWN_VERSION}}
    for number, run in enumerate(runs):
        if id(run.function) not in functions:
            functions[id(run.function)] = len(functions)
            _write_function(folder, len(functions) - 1, run.function)
        file = f"run-{number}.zip"
        values = run.values
        if values is None and with_values:
            values = compiled_values(run)
        _write_run(os.path.join(folder, file), run, values)
        of = functions[id(run.function)]
        index["runs"].append({"label": run.label, "step": run.step, "file": file, "function": of})
    _write_json(folder, INDEX, index)


def _write_json(folder: str, name: str, value: Any) -> None:
    with written_whole(os.path.join(folder, name)) as file:
        file.write(json.dumps(value).encode())


def _write_function(folder: str, number: int, function: Any) -> None:
    is_whole = not isinstance(function, SessionFunction)
    library = function_library(function) if is_whole else _listed(function)
    with written_whole(os.path.join(folder, f"function-{number}.pb")) as file:
        file.write(library.SerializeToString())
    facts: dict[str, Any] = {
        "name": function.name, "is_whole": is_whole, "operations": {}, "lines": [],
    }  # fmt: skip
    names = names_of_graphs(function)
    makers: dict[int, Any] = {}
    for graph in with_inner(function.graph):
        makers.update({t._id: op for op in graph._operations for t in op.outputs})
        for call in calls_of(graph):
            for line, following in zip(call.lines, call.lines[1:]):
                place = [call.code.co_filename, line.number, call.code.co_name]
                bound = _tensors_of(following, names)
                if bound:
                    facts["lines"].append([place, bound])
    for graph in with_inner(function.graph):
        for op in graph._operations:
            of = makers.get(op.gradient_of)
            origin = [op.location, of and of.location, of and of.name]
            for name in names[id(graph)]:
                facts["operations"][f"{name}\n{op.name}"] = origin
    _write_json(folder, f"function-{number}.json", facts)


def _listed(function: GraphFunction) -> FunctionDefLibrary:
    """The names and kinds of a session's operations: they are shown and compared, not repeated."""
    library = FunctionDefLibrary()
    names = names_of_graphs(function)
    for graph in with_inner(function.graph):
        for name in names[id(graph)]:
            listed = library.function.add()
            listed.signature.name = name
            for op in graph._operations:
                listed.node_def.add(name=op.name, op=op.type)
    for tensor in function.inputs:
        library.function[0].signature.input_arg.add(name=tensor.op.name)
    return library


def names_of_graphs(function: GraphFunction) -> dict[int, list[str]]:
    """The names of the functions over each graph that a function runs, by the ids of the graphs."""
    names: dict[int, list[str]] = {id(function.graph): [function.name]}
    for graph in with_inner(function.graph):
        for op in graph._operations:
            for inner in functions_of(op):
                listed = names.setdefault(id(inner.graph), [])
                if inner.name not in listed:
                    listed.append(inner.name)
    return names


def _tensors_of(line: Line, names: Mapping[int, list[str]]) -> dict[str, list[Any]]:
    """The names of tensors that are bound by the time of a line: {name: [function, operation, output]}."""
    bound = {}
    for name, value in line.bound.items():
        if isinstance(value, SymbolicTensor) and id(value.graph) in names:
            bound[name] = [names[id(value.graph)][0], value.op.name, value.value_index]
    return bound


def _write_run(path: str, run: Run, values: list[Results] | None) -> None:
    snapshot = run.snapshot
    arrays = {id(h): a for h, a in zip(snapshot.handles, snapshot.before.arrays, strict=True)}
    with written_whole(path) as file, zipfile.ZipFile(file, "w") as archive:
        tensors = _Tensors(archive)
        names = names_of_graphs(run.function)
        inputs = []
        for tensor, value in zip(run.function.inputs, snapshot.values, strict=True):
            if isinstance(value, VariableHandle):
                number = [id(h) for h in snapshot.handles].index(id(value))
                kept = {
                    "tensor": tensors.add(arrays[id(value)], value.dtype),
                    "after": tensors.add(run.after[number], value.dtype),
                }
                inputs.append({"variable": number, "name": value.name, **kept})
            else:
                inputs.append({"tensor": tensors.add(value, tensor.dtype)})
        facts = {
            "inputs": inputs,
            "host": [
                [name, op, [tensors.add_all(v) for v in values]]
                for (graph, op), values in run.host.items()
                for name in names.get(graph, ())  # none for functions of datasets
            ],
            "random": [
                [_path(key), [int(word) for word in state.position]]
                for key, state in snapshot.before.positions.items()
                if isinstance(state, Stream)
            ],
        }
        results = zip(run.function.outputs, run.results)
        facts["results"] = [tensors.add(value, tensor.dtype) for tensor, value in results]
        if values is not None:
            facts["values"] = [
                [names[id(op.graph)][0], op.name, list(enumerate(tensors.add_all(arrays)))]
                for op, arrays in values
            ]
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
        """Returns the number of a tensor; None if it is not an array, such as an iterator."""
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
    """A run as it was written. Tensors are arrays, or None for values that files cannot hold; `after` is the value of a variable after the run."""

    label: str
    step: int
    inputs: list[dict[str, Any]]
    host: dict[tuple[str, str], list[list[Any]]]
    random: list[tuple[list[str], list[int]]]
    results: list[Any]
    library: Any
    function: FunctionFacts
    values: list[OperationValues] | None
    recorded_by: tuple[str, str]  # the library and its version


class OperationValues(NamedTuple):
    """The results of one operation of a run: the numbers of its outputs with their arrays."""

    function: str
    name: str
    outputs: dict[int, Any]


@dataclasses.dataclass(frozen=True)
class FunctionFacts:
    """Facts about a recorded function that its graph does not contain.

    Attributes:
      name: its name in the library.
      is_whole: True if the library holds the function, False if it lists names and kinds of operations.
      lines: the lines that bound tensors to names: {name: (function, operation, number of the output)}.
    """

    name: str
    is_whole: bool
    lines: list[tuple[Location, dict[str, tuple[str, str, int]]]]
    _origins: Mapping[str, Origin]

    def origin(self, graph: str, operation: str) -> Origin:
        """The source location of an operation."""
        return self._origins.get(f"{graph}\n{operation}", Origin(None, None, None))


class Origin(NamedTuple):
    """The line that created an operation; the line that it differentiates, and the name of the operation there."""

    location: Location | None
    gradient_of: Location | None
    forward: str | None


def read(folder: str, step: int | None = None, label: str | None = None) -> RecordedRun:
    """Returns a recorded run: the last one, or that of a step, of the function with this name if there are several.

    Raises:
      InvalidArgumentError: the folder holds no such run.
      DataLossError: a file of the folder is missing or damaged; the error names it.
    """
    entries, recorded_by = _entries(folder, step, label)
    return _read_run(folder, max(entries, key=lambda entry: entry.step), recorded_by)


def read_by_function(
    folder: str, step: int | None = None, label: str | None = None
) -> list[list[RecordedRun]]:
    """Returns recorded runs in order, a list for each traced function: all, or those of a step or of functions with this name.

    Raises:
      InvalidArgumentError: the folder holds no such run.
      DataLossError: a file of the folder is missing or damaged; the error names it.
    """
    entries, recorded_by = _entries(folder, step, label)
    groups: dict[int, list[RecordedRun]] = {}
    for entry in sorted(entries, key=lambda entry: entry.step):
        groups.setdefault(entry.function, []).append(_read_run(folder, entry, recorded_by))
    return [groups[number] for number in sorted(groups)]


def steps_of(folder: str, label: str) -> set[int]:
    """The steps of a function that a recording holds.

    Raises:
      InvalidArgumentError: the folder holds no such run.
      DataLossError: the index is missing or damaged.
    """
    entries, _ = _entries(folder, None, label)
    return {entry.step for entry in entries}


def _entries(
    folder: str, step: int | None, label: str | None
) -> tuple[list[_Entry], tuple[str, str]]:
    """The entries of the index for a step and a function, and what recorded them."""
    if not os.path.exists(os.path.join(folder, INDEX)):
        raise InvalidArgumentError(f"{folder} holds no recording: there is no {INDEX}.")
    with _reading(folder, INDEX) as path:
        index = _read_json(path)
        runs = [_Entry(**entry) for entry in index["runs"]]
        by = index.get("library", {"name": OWN_NAME, "version": ""})
        recorded_by = str(by["name"]), str(by["version"])
    chosen = [r for r in runs if label in (None, r.label) and step in (None, r.step)]
    if not chosen:
        steps = ", ".join(f"{r.label} {r.step}" for r in runs)
        raise InvalidArgumentError(f"{folder} holds no such run. It holds: {steps or 'none'}.")
    return chosen, recorded_by


def _read_run(folder: str, entry: _Entry, recorded_by: tuple[str, str]) -> RecordedRun:
    with _reading(folder, f"function-{entry.function}.pb") as path:
        library = _read_library(path)
    with _reading(folder, f"function-{entry.function}.json") as path:
        function = _read_facts(path)
    with _reading(folder, os.path.basename(entry.file)) as path, zipfile.ZipFile(path) as archive:
        run, tensors = json.loads(archive.read("run.json")), _StoredTensors(archive)
        return RecordedRun(
            label=entry.label,
            step=entry.step,
            inputs=[
                {
                    **entry,
                    "tensor": tensors.read(entry["tensor"]),
                    "after": tensors.read(entry.get("after")),
                }
                for entry in run["inputs"]
            ],
            host={
                (graph, name): [[tensors.read(t) for t in values] for values in kept]
                for graph, name, kept in run["host"]
            },
            random=[
                ([str(name) for name in path], [int(w) for w in words])
                for path, words in run["random"]
            ],
            results=[tensors.read(number) for number in run["results"]],
            library=library,
            function=function,
            values=_read_values(run["values"], tensors) if "values" in run else None,
            recorded_by=recorded_by,
        )


def _read_values(entries: Sequence[Any], tensors: _StoredTensors) -> list[OperationValues]:
    """Reads the results of operations, in order."""
    return [
        OperationValues(str(function), str(name), {int(n): tensors.read(t) for n, t in outputs})
        for function, name, outputs in entries
    ]


@dataclasses.dataclass(frozen=True)
class _Entry:
    """The index entry of a run."""

    label: str
    step: int
    file: str
    function: int


@contextlib.contextmanager
def _reading(folder: str, name: str) -> Iterator[str]:
    """Yields the path of a file; read errors become DataLossError."""
    path = os.path.join(folder, name)
    try:
        yield path
    except _DAMAGES as error:
        raise DataLossError(
            f"The recording's file {path} is damaged or missing: {error}"
        ) from error


def _read_json(path: str) -> Any:
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def _read_library(path: str) -> FunctionDefLibrary:
    library = FunctionDefLibrary()
    with open(path, "rb") as file:
        library.ParseFromString(file.read())
    if not library.function:
        raise ValueError("it holds no function")
    return library


def _read_facts(path: str) -> FunctionFacts:
    facts = _read_json(path)
    lines = [
        (Location(*place), {n: (str(f), str(op), int(i)) for n, (f, op, i) in bound.items()})
        for place, bound in facts["lines"]
    ]
    origins = {
        key: Origin(_location(own), _location(of), str(forward[0]) if forward else None)
        for key, (own, of, *forward) in facts["operations"].items()
    }
    return FunctionFacts(facts["name"], bool(facts.get("is_whole", True)), lines, origins)


def _location(place: Sequence[Any] | None) -> Location | None:
    return None if place is None else Location(*place)


class _StoredTensors:
    """Reads arrays from an archive. Members are stored as they are: none can be larger than the file."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        for member in archive.infolist():
            if member.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"its member {member.filename} is compressed")

    def read(self, number: int | None) -> Any:
        """Returns the array with this number, or None."""
        if number is None:
            return None
        return from_proto(TensorProto.FromString(self._archive.read(f"{int(number)}.pb")))
