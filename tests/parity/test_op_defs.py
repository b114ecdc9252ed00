"""Every op class against TensorFlow's own definition of the op.

op_defs.json.gz holds the definitions of TensorFlow 2.21 as recorded from its op registry: names,
types and attributes of inputs and outputs. An input may have the name that `tf.raw_ops` gives it.
"""

import gzip
import json
import pathlib
import typing
from typing import Any, Literal

import numpy as np
import pytest

import penstock._src.api.load
import penstock._src.graph.static_values  # noqa: F401
from penstock._src.core import dtypes, registry
from penstock._src.core.calls.attributes import REQUIRED, Function, TensorValue
from penstock._src.core.dtypes import DType
from penstock._src.core.op import Op
from penstock._src.core.shapes import TensorShape

FACTS = json.loads(
    gzip.decompress(pathlib.Path(__file__).with_name("op_defs.json.gz").read_bytes())
)
# What tf.raw_ops calls an input or attribute that the op's definition calls otherwise.
RAW_NAMES = {
    **dict.fromkeys(
        [(op, "reduction_indices") for op in "All Any EuclideanNorm Max Mean Min Prod Sum".split()],
        "axis",
    ),
    ("ExpandDims", "dim"): "axis",
    ("Select", "t"): "x",
    ("Select", "e"): "y",
    ("Split", "split_dim"): "axis",
    ("SplitV", "split_dim"): "axis",
    ("Where", "input"): "condition",
}
KERNEL_NAMES = {"float": "float32", "double": "float64", "half": "float16"}
PYTHON_TYPES = {
    "bool": (bool,),
    "int": (int,),
    "float": (float,),
    "string": (str, bytes),
    "type": (DType,),
    "shape": (TensorShape,),
    "tensor": (TensorValue,),
    "func": (Function,),
}

IN_FACTS = sorted(name for name in registry.index() if name in FACTS)


def type_named(name: str) -> DType:
    return dtypes.as_dtype(KERNEL_NAMES.get(name, name))


def argument_facts(op: str, facts: list[dict]) -> list[tuple]:
    """Returns (name, type, type attribute, number attribute, list attribute) per argument."""
    return [
        (
            RAW_NAMES.get((op, a["n"]), a["n"]),
            type_named(a["t"]) if "t" in a else None,
            a.get("ta"),
            a.get("na"),
            a.get("tl"),
        )
        for a in facts
    ]


def arguments(declared: tuple) -> list[tuple]:
    return [(a.name, a.dtype, a.type_attr, a.number_attr, a.type_list_attr) for a in declared]


@pytest.mark.parametrize("name", IN_FACTS)
def test_inputs_and_outputs_are_tensorflows(name):
    cls, facts = registry.find(name), FACTS[name]
    assert arguments(cls.inputs) == argument_facts(name, facts["in"])
    assert arguments(cls.outputs) == argument_facts(name, facts["out"])


@pytest.mark.parametrize("name", IN_FACTS)
def test_attributes_are_tensorflows(name):
    cls, facts = registry.find(name), FACTS[name]
    inferred = registry.inferred_attributes(cls)
    declared = set(cls.annotations)
    for fact in facts["attr"]:
        attr = fact["n"]
        if attr in inferred and attr not in declared:
            assert "d" not in fact or fact["t"] != "type", f"{attr}: a default is missing"
            continue
        assert attr in declared, f"the attribute '{attr}' is missing"
        annotation = cls.annotations[attr]
        assert fits(annotation, fact["t"]), f"{attr}: {annotation} is not {fact['t']}"
        default = cls.attributes[attr]
        if "d" not in fact:
            assert default is REQUIRED, f"{attr}: TensorFlow has no default, not {default!r}"
        else:
            assert same_default(default, fact), f"{attr}: {default!r}, not {fact['d']!r}"
    known = {fact["n"] for fact in facts["attr"]}
    assert declared <= known, f"TensorFlow has no attributes {sorted(declared - known)}"


def fits(annotation: Any, kind: str) -> bool:
    """Whether a Python annotation stands for an attribute of a kind."""
    if annotation is Any:
        return True
    if kind.startswith("list("):
        return typing.get_origin(annotation) is list and fits(
            typing.get_args(annotation)[0], kind[5:-1]
        )
    if typing.get_origin(annotation) is Literal:
        return kind == "string"
    return annotation in PYTHON_TYPES[kind]


def same_default(default: Any, fact: dict) -> bool:
    """Whether a declared default is the one of a fact."""
    expected = fact["d"]
    if fact["t"] == "type":
        return default == type_named(expected)
    if fact["t"] == "list(type)":
        return list(default) == [type_named(t) for t in expected]
    if fact["t"] == "shape":
        if expected == "unknown":
            return default.rank is None
        return True
    if fact["t"] == "tensor":
        return isinstance(default, np.ndarray)
    if fact["t"] == "float":
        return default == expected or abs(default - expected) <= 1e-6 * abs(expected)
    if fact["t"].startswith("list("):
        return list(default) == list(expected) or fact["t"] == "list(shape)"
    if isinstance(default, bytes):
        return default == expected.encode()
    return default == expected


@pytest.mark.parametrize("name", IN_FACTS)
def test_allowed_types_are_tensorflows(name):
    cls, facts = registry.find(name), FACTS[name]
    for fact in facts["attr"]:
        if fact["t"] not in ("type", "list(type)"):
            continue
        expected = frozenset(map(type_named, fact["av"])) if "av" in fact else None
        declared = cls.traits.type_sets.get(fact["n"])
        if expected is None:
            everything = frozenset(dtypes.TYPES.values())
            assert declared is None or declared >= everything, f"{fact['n']} may be any type"
        else:
            assert declared is not None, f"{fact['n']}: only {sorted(map(str, expected))}"
            missing, extra = expected - declared, declared - expected
            assert not missing and not extra, f"{fact['n']}: missing {missing}, too many {extra}"


@pytest.mark.parametrize("name", IN_FACTS)
def test_state_is_tensorflows(name):
    assert registry.find(name).stateful == bool(FACTS[name].get("stateful"))


@pytest.mark.parametrize("name", IN_FACTS)
def test_every_op_computes(name):
    cls = registry.find(name)
    of_imported_graphs = cls.__module__ == "penstock._src.ops.control.switch"
    assert cls.eager is not Op.eager or cls.has_lowering or cls.stateful or of_imported_graphs


def test_ops_that_tensorflow_lacks_are_written_as_its_own():
    own = {
        name: cls
        for name, cls in registry.load_all().items()
        if name not in FACTS
        and cls.__module__.startswith("penstock.")  # not those of other tests
        and not cls.__module__.startswith(registry.OF_PACKAGES)
    }
    assert "KeyPositions" in own
    # TensorFlow's ops would hold these weights in eight times the space: docs/onnx.md says so.
    packed = {"PackedDequantize", "PackedGather", "PackedMatMul"}
    assert {name for name, cls in own.items() if cls.composed is None} == packed
