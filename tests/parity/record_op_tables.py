"""Writes what TensorFlow registers of its ops: op_defs.json.gz, raw_ops.txt, hidden_ops.txt and gradients.txt.

Run where TensorFlow is installed: python tests/parity/record_op_tables.py [FOLDER]
"""

import gzip
import json
import pathlib
import sys
from typing import Any

import tensorflow as tf
from tensorflow.core.framework import op_def_pb2
from tensorflow.python.client import pywrap_tf_session
from tensorflow.python.framework import ops
from tensorflow.python.ops import map_ops  # noqa: F401  registers gradients

HERE = pathlib.Path(__file__).resolve().parent
LEGEND = "in/out: n name, t type, ta type_attr, na number_attr, tl type_list_attr; attr: n,t,d default,av allowed,min"
SPELLED = {"float16": "half", "float32": "float", "float64": "double"}  # in definitions of ops
OF_ARGUMENTS = {"ta": "type_attr", "na": "number_attr", "tl": "type_list_attr"}
FLAGS = {
    "stateful": "is_stateful", "comm": "is_commutative", "agg": "is_aggregate",
    "uninit_ok": "allows_uninitialized_input", "dist": "is_distributed_communication",
}  # fmt: skip
OF_DEVICES = ("_CopyFromGpuToHost", "_CopyFromHostToGpu")  # registered with a device alone


def type_name(number: int) -> str:
    """Return a type as definitions of ops spell it."""
    name = tf.as_dtype(number).name
    return SPELLED.get(name, name)


def shape(value: Any) -> Any:
    """Return the extents of a shape; "unknown" if its rank is."""
    return "unknown" if value.unknown_rank else [dim.size for dim in value.dim]


def value_of(value: Any) -> Any:
    """Return an attribute's value as JSON."""
    kind = value.WhichOneof("value")
    if kind == "list":
        fields = value.list.ListFields()
        return [element(field.name, each) for field, each in fields for each in each]
    return element(kind, getattr(value, kind))


def element(kind: str, value: Any) -> Any:
    """Return one value of a kind of attribute as JSON; a tensor or a function as text."""
    if kind in ("tensor", "func"):
        return str(value)
    if kind == "s":
        return value.decode("latin-1")
    if kind == "type":
        return type_name(value)
    return shape(value) if kind == "shape" else value


def argument(arg: Any) -> dict[str, Any]:
    """Return an input or output as a row (LEGEND)."""
    row = {"n": arg.name}
    if arg.type:
        row["t"] = type_name(arg.type)
    row |= {key: getattr(arg, name) for key, name in OF_ARGUMENTS.items() if getattr(arg, name)}
    return row | ({"ref": 1} if arg.is_ref else {})


def attribute(attr: Any) -> dict[str, Any]:
    """Return an attribute as a row (LEGEND)."""
    row = {"n": attr.name, "t": attr.type}
    if attr.HasField("default_value"):
        row["d"] = value_of(attr.default_value)
    if attr.HasField("allowed_values"):
        row["av"] = value_of(attr.allowed_values)
    return row | ({"min": attr.minimum} if attr.has_minimum else {})


def definitions() -> dict[str, Any]:
    """Return all registered definitions by name."""
    registered = op_def_pb2.OpList()
    registered.ParseFromString(pywrap_tf_session.TF_GetBuffer(pywrap_tf_session.TF_GetAllOpList()))
    return {
        op.name: {
            "in": [argument(arg) for arg in op.input_arg],
            "out": [argument(arg) for arg in op.output_arg],
            "attr": [attribute(attr) for attr in op.attr],
            **{key: 1 for key, name in FLAGS.items() if getattr(op, name)},
            **({"deprecated": op.deprecation.version} if op.HasField("deprecation") else {}),
        }
        for op in sorted(registered.op, key=lambda op: op.name)
        if op.name not in OF_DEVICES
    }


def main(folder: pathlib.Path) -> None:
    """Write the four tables."""
    known = definitions()
    public = sorted(name for name in dir(tf.raw_ops) if name in known)
    gradients = ops.gradient_registry._registry  # which has no public list
    lines = [
        f"{op} {'none' if row['type'] is None else 'yes'}" for op, row in sorted(gradients.items())
    ]
    text = json.dumps({"_legend": LEGEND, **known}).encode()
    (folder / "op_defs.json.gz").write_bytes(gzip.compress(text, mtime=0))
    tables = {"raw_ops": public, "hidden_ops": sorted({*known} - {*public}), "gradients": lines}
    for name, rows in tables.items():
        (folder / f"{name}.txt").write_text("\n".join(rows) + "\n")


if __name__ == "__main__":
    main(pathlib.Path(*sys.argv[1:]) if sys.argv[1:] else HERE)
