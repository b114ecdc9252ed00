"""Calls that are valid, of ops that no call made of a signature satisfies, as `tests/fuzz/calls/call.py` writes them."""

from __future__ import annotations

from typing import Any


def _texts(*values: str, rank: int = 0) -> dict[str, Any]:
    return {"tensor": "string", "shape": [len(values)] * rank, "values": list(values)}


def _number(dtype: str, *values: Any, rank: int = 0) -> dict[str, Any]:
    return {"tensor": dtype, "shape": [len(values)] * rank, "values": list(values)}


_ROWS = {"output_types": [{"dtype": "string"}], "output_shapes": [{"shape_of": []}]}
_CSV = [
    _texts("a"), _texts(""), _number("int64", 9), _number("bool", False), _texts(","), _number("bool", True), _texts(""),
    _number("int64", rank=1), [_texts("", rank=1)],
]  # fmt: skip
_MESSAGE = {
    "field_names": ["size"],
    "message_type": "tensorflow.TensorShapeProto.Dim",
    "descriptor_source": "local://",
}

WITNESSES: dict[str, list[Any]] = {
    "CSVDataset": [{"op": "CSVDataset", "inputs": _CSV, "attrs": {"output_shapes": [{"shape_of": []}]}}],
    "CSVDatasetV2": [
        {"op": "CSVDatasetV2", "inputs": [*_CSV, _number("int64", rank=1)], "attrs": {"output_shapes": [{"shape_of": []}]}}
    ],
    "SqlDataset": [
        {"op": "SqlDataset", "inputs": [_texts("sqlite"), _texts("a"), _texts("select 'a'")], "attrs": _ROWS},
        {"op": "SqlDataset", "inputs": [_texts("sqlite"), _texts(":memory:"), _texts("select 'a'")], "attrs": _ROWS},
    ],
    "RestoreV2": [
        {"op": "RestoreV2", "inputs": [_texts("a"), _texts("x", rank=1), _texts("", rank=1)], "attrs": {"dtypes": [{"dtype": "string"}]}}
    ],
    "SaveSlices": [
        {"op": "SaveSlices", "inputs": [_texts("a"), _texts("x", rank=1), _texts("", rank=1), [_number("float32", 1.0)]], "attrs": {}}
    ],
    "EncodeProto": [
        {"op": "EncodeProto", "inputs": [_number("int32", 1, rank=2), [_number("int64", 1, rank=2)]], "attrs": _MESSAGE}
    ],
    "DecodeProtoV2": [
        {"op": "DecodeProtoV2", "inputs": [_texts("", rank=1)],
         "attrs": {**_MESSAGE, "output_types": [{"dtype": "int64"}], "message_format": "binary", "sanitize": False}}
    ],
    "EagerPyFunc": [
        {"op": "EagerPyFunc", "inputs": [[_number("float32", 1.0)]], "attrs": {"token": "", "Tout": [{"dtype": "string"}]}}
    ],
    "LoadAndRemapMatrix": [
        {"op": "LoadAndRemapMatrix",
         "inputs": [_texts("a"), _texts("x"), _number("int64", 0, rank=1), _number("int64", 0, rank=1), _number("float32", rank=1)],
         "attrs": {"num_rows": 1, "num_cols": 1, "max_rows_in_memory": -1}}
    ],
}  # fmt: skip
for _name in ("CSVDataset", "SqlDataset"):
    WITNESSES[f"Experimental{_name}"] = [
        {**call, "op": f"Experimental{_name}"} for call in WITNESSES[_name]
    ]
