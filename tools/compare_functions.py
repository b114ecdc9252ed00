"""Compares functions, as readers of their graphs see them, with what TensorFlow makes of them.

    python tools/compare_functions.py record     where TensorFlow 2.21 is installed: writes tests/graph/recorded/functions.json.xz,
                                                 with NAME ... those functions alone
    python tools/compare_functions.py            with Penstock: functions that differ, and counts by class of difference
    python tools/compare_functions.py NAME ...   with Penstock: how these functions differ

The functions are in tests/graph/recorded/functions; tests/graph/recorded/different_functions.txt lists those that differ. A reader sees the nodes, the names of inputs and outputs, what is left when
variables become constants, and the signature of a SavedModel.
"""

from __future__ import annotations

import collections
import json
import lzma
import os
import pathlib
import re
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
RECORDED = ROOT / "tests" / "graph" / "recorded" / "functions.json.xz"
DIFFERENT = ROOT / "tests" / "graph" / "recorded" / "different_functions.txt"
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from tools import compare_graphs  # noqa: E402

# Attributes that TensorFlow's runtime or other readers use, though their names begin with an underscore.
_PRIVATE = (
    "_XlaMustCompile",
    "_lower_using_switch_merge",
    "_num_original_outputs",
    "_read_only_resource_inputs",
    "_stateful_parallelism",
    "_user_specified_name",
)
# Nodes of frozen graphs that are compared: converters look for patterns of them.
_PASSED = ("Const", "Identity", "NoOp")


def _argument(spec: tuple[str, tuple[int | None, ...]], number: int) -> np.ndarray:
    """Values for a spec: the same everywhere."""
    dtype, unknown = spec
    shape = [2 if extent is None else extent for extent in unknown]
    count = int(np.prod(shape))
    if dtype == "float32":
        values = np.sin(np.arange(count, dtype=np.float32) * 0.9 + number + 0.5)
    elif dtype == "int32":
        values = 3 - np.arange(count, dtype=np.int32) % 3
    else:
        values = np.arange(count) % 2 == 0
    return values.reshape(shape).astype(dtype)


def _shown(value: Any) -> list[Any]:
    """The shape of a result, its first elements and their sum."""
    array = np.asarray(value)
    if array.dtype.kind == "f":
        flat = array.astype(np.float64).ravel()
        shown = [float(f"{x:.4g}") for x in (*flat[:4], flat.sum())]
        return [list(array.shape), *shown]
    return [list(array.shape), *(str(x) for x in array.ravel()[:4])]


def _close(ours: list[Any], theirs: list[Any]) -> bool:
    if len(ours) != len(theirs) or ours[0] != theirs[0]:
        return False
    if any(isinstance(x, str) for x in ours[1:]):
        return ours == theirs
    return np.allclose(ours[1:], theirs[1:], rtol=2e-3, atol=5e-4, equal_nan=True)


def _without_numbers(name: str) -> str:
    """A name without the number that TensorFlow's process counted for a captured tensor."""
    return re.sub(r"(^|/)\d{3,}(?=$|:)", r"\1capture", name)


def _names(tensors: Any) -> list[str]:
    return [_without_numbers(tensor.name) for tensor in tensors]


def _nodes(graph_def: Any) -> dict[str, list[str]]:
    """Path -> nodes of a graph and of the functions that it uses."""
    for nodes in (graph_def.node, *(f.node_def for f in graph_def.library.function)):
        for node in nodes:
            # The devices of the machine that traced the function.
            node.attr.pop("config_proto", None)
            node.name = _without_numbers(node.name)
            node.input[:] = [_without_numbers(name) for name in node.input]
            for key in _PRIVATE:
                if key in node.attr:
                    node.attr[key[1:]].CopyFrom(node.attr[key])
            if "user_specified_name" in node.attr:
                given = node.attr["user_specified_name"]
                given.s = b"capture" if given.s.isdigit() else given.s
    return compare_graphs.graphs(graph_def)


def _operations(graph_def: Any) -> dict[str, list[str]]:
    """Path -> names and ops of the nodes that converters look for."""
    return {
        path: sorted(
            line.split("(")[0]
            for line in lines
            if not re.search(rf"= ({'|'.join(_PASSED)})\(", line)
        )
        for path, lines in _nodes(graph_def).items()
    }


def _structure(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {str(key): _structure(tree[key]) for key in tree}
    if isinstance(tree, list | tuple):
        return [_structure(item) for item in tree]
    return tree if tree is None else [tree.name, tree.dtype.name, str(tree.shape)]


def _frozen(tf: Any, concrete: Any, specs: Any, outputs: list[str] | None, **options: bool) -> Any:
    from tensorflow.python.framework import convert_to_constants

    seen: dict[str, Any] = {}
    try:
        frozen = convert_to_constants.convert_variables_to_constants_v2(concrete, **options)
        seen["inputs"] = _names(frozen.inputs)
        seen["outputs"] = _names(frozen.outputs)
        if options:
            seen["operations"] = _operations(frozen.graph.as_graph_def())
        else:
            tensors = [frozen.graph.get_tensor_by_name(n) for n in outputs or seen["outputs"]]
            arguments = [tf.constant(_argument(spec, n)) for n, spec in enumerate(specs)]
            part = frozen.prune(list(frozen.inputs), tensors)
            seen["values"] = [_shown(value) for value in part(*arguments)]
    except Exception:
        seen["refused"] = True
    return seen


def _frozen_v1(tf: Any, graph: Any, inputs: Any, outputs: list[str], specs: Any) -> Any:
    v1 = tf.compat.v1
    nodes = [name.split(":")[0] for name in outputs]
    with graph.as_default(), v1.Session(graph=graph) as session:
        session.run(v1.global_variables_initializer())
        frozen = v1.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), nodes)
    left = {node.name for node in frozen.node}
    feed = {
        tensor.name: _argument(spec, number)
        for number, (tensor, spec) in enumerate(zip(inputs, specs, strict=True))
        if tensor.op.name in left
    }
    with tf.Graph().as_default() as again:
        tf.import_graph_def(frozen, name="")
        with v1.Session(graph=again) as session:
            return {"values": [_shown(x) for x in session.run(outputs, feed)]}


def _signature(tf: Any, made: Any, function: Any, concrete: Any) -> Any:
    """Inputs and outputs of the signature of a SavedModel, and the nodes of its graph."""
    from tensorflow.core.protobuf import saved_model_pb2

    module = tf.Module()
    module.used = [made, *concrete.graph.variables]
    module.function = function
    try:
        with tempfile.TemporaryDirectory() as folder:
            tf.saved_model.save(module, folder, signatures=concrete)
            data = pathlib.Path(folder, "saved_model.pb").read_bytes()
    except (ValueError, TypeError, AssertionError, KeyError, tf.errors.OpError):
        return None
    meta = saved_model_pb2.SavedModel.FromString(data).meta_graphs[0]
    signature = meta.signature_def["serving_default"]
    found = {
        kind: {
            key: [info.name, info.dtype, " ".join(str(info.tensor_shape).split())]
            for key, info in sorted(getattr(signature, kind).items())
        }
        for kind in ("inputs", "outputs")
    }
    used = {info.name.split(":")[0] for info in signature.outputs.values()}
    calls = {n.name: n for n in meta.graph_def.node}
    return {**found, "calls": {n: [calls[n].op, len(calls[n].input)] for n in sorted(used)}}


def seen_of(tf: Any, case: Any, outputs: list[str] | None = None) -> dict[str, Any]:
    """What readers see of a function.

    Args:
      tf: TensorFlow, or Penstock in its place.
      case: the function.
      outputs: the outputs of the frozen graph to evaluate; by default those that it names itself.
    """
    made = case.make(tf)
    if case.kind == "v1":
        graph, inputs, results = made
        seen = {"inputs": _names(inputs), "outputs": _names(results)}
        seen["graph"] = _nodes(graph.as_graph_def())
        seen["frozen"] = _frozen_v1(tf, graph, inputs, outputs or seen["outputs"], case.specs)
        return seen
    function = tf.function(made)
    specs = [tf.TensorSpec(shape, dtype) for dtype, shape in case.specs]
    concrete = function.get_concrete_function(*specs)
    return {
        "inputs": _names(concrete.inputs),
        "outputs": _names(concrete.outputs),
        "structured": _structure(concrete.structured_outputs),
        "graph": _nodes(concrete.graph.as_graph_def()),
        "frozen": _frozen(tf, concrete, case.specs, outputs),
        "functional": _frozen(
            tf, concrete, case.specs, None, lower_control_flow=False, aggressive_inlining=True
        ),
        "signature": _signature(tf, made, function, concrete),
    }


def _sections(seen: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in seen.items():
        if key in ("frozen", "functional"):
            yield from ((f"{key} {inner}", inside) for inner, inside in value.items())
        else:
            yield key, value


def differing_nodes(ours: dict[str, list[str]], theirs: dict[str, list[str]]) -> list[str]:
    """Lines of the nodes that differ, without regard to their order."""
    lines = []
    for path in sorted({*ours, *theirs}):
        here = collections.Counter(ours.get(path, ()))
        there = collections.Counter(theirs.get(path, ()))
        lines += [f"- {path} {line}" for line in there - here]
        lines += [f"+ {path} {line}" for line in here - there]
    return lines


def differences(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, list[str]]:
    """Section -> what differs there."""
    found = {}
    here, there = dict(_sections(ours)), dict(_sections(theirs))
    if "frozen refused" in there:  # TensorFlow cannot write it: nobody reads it
        here = {key: value for key, value in here.items() if key in there}
        there = {key: value for key, value in there.items() if key in here}
    for key in sorted({*here, *there}):
        a, b = here.get(key), there.get(key)
        if key in ("graph", "functional operations") and a and b:
            lines = differing_nodes(a, b)
        elif key == "frozen values" and a and b:
            lines = [] if len(a) == len(b) and all(map(_close, a, b)) else [f"- {b}", f"+ {a}"]
        else:
            lines = [] if a == b else [f"- {b}", f"+ {a}"]
        if lines:
            found[key] = lines
    return found


def compared(tf: Any, name: str, recorded: dict[str, Any]) -> dict[str, list[str]]:
    """How a function differs from TensorFlow's: section -> lines."""
    from tests.graph.recorded.functions import CASES

    theirs = recorded[name]
    outputs = theirs["frozen"].get("outputs") or theirs["outputs"]
    ours = seen_of(tf, CASES[name], outputs)
    return differences(json.loads(json.dumps(ours)), theirs)


def read() -> dict[str, Any]:
    """What TensorFlow makes: name of the function -> what readers see."""
    return json.loads(lzma.decompress(RECORDED.read_bytes()))


def _record(chosen: list[str]) -> None:
    import tensorflow as tf

    from tests.graph.recorded.functions import CASES

    recorded = read() if chosen else {}
    recorded |= {name: seen_of(tf, CASES[name]) for name in chosen or CASES}
    text = json.dumps(recorded, sort_keys=True).encode()
    RECORDED.write_bytes(lzma.compress(text, preset=9 | lzma.PRESET_EXTREME))
    print(len(recorded), "functions")
    print("refused:", *(n for n, seen in recorded.items() if "refused" in seen["frozen"]))
    print("no signature:", *(n for n, seen in recorded.items() if not seen.get("signature")))


def line_of(name: str, found: dict[str, list[str]]) -> str:
    """The line of `different_functions.txt` for a function that differs."""
    return " | ".join([name, *(f"{key}: {len(lines)}" for key, lines in found.items())])


def known_differences() -> dict[str, tuple[str, dict[str, int]]]:
    """Function -> (class of difference, section -> number of lines that differ)."""
    known, kind = {}, ""
    for line in DIFFERENT.read_text().splitlines():
        if line.startswith("#"):
            kind = line[2:].split(":")[0]
        elif line:
            name, *sections = line.split(" | ")
            counts = dict(section.split(": ") for section in sections)
            known[name] = kind, {key: int(count) for key, count in counts.items()}
    return known


def unknown_differences(name: str, found: dict[str, list[str]]) -> dict[str, list[str]]:
    """The sections in which a function differs by more than is listed."""
    _, known = known_differences().get(name, ("", {}))
    return {key: lines for key, lines in found.items() if len(lines) > known.get(key, 0)}


def _compare(chosen: list[str]) -> None:
    import penstock as tf

    tf.install_as_tensorflow()
    from tests.graph.recorded.functions import CASES

    recorded, known = read(), known_differences()
    counts: collections.Counter[str] = collections.Counter()
    for name in chosen or CASES:
        found = compared(tf, name, recorded)
        counts[known.get(name, ("not listed",))[0] if found else "equal"] += 1
        if found or chosen:
            print(line_of(name, found))
        if chosen:
            for key, lines in found.items():
                print(f"== {key}", *lines, sep="\n")
    print(f"{counts.total()} functions:", ", ".join(f"{n} {k}" for k, n in counts.most_common()))


if __name__ == "__main__":
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if sys.argv[1:2] == ["record"]:
        _record(sys.argv[2:])
    else:
        _compare(sys.argv[1:])
