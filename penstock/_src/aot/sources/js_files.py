"""The JavaScript package of a model for WebAssembly: a loader, types, and a program that holds it to recorded values."""

import base64
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from penstock._src.aot.model.plans import PlannedModel
from penstock._src.aot.model.signature import Tensor
from penstock._src.aot.recording import Recorded
from penstock._src.version import OWN_VERSION

FILES = Path(__file__).parent / "files" / "js"
LOADER = ("penstock_model.mjs", "penstock_model.d.ts")
_ARRAYS = {
    "float32": "Float32Array", "float64": "Float64Array", "int32": "Int32Array", "uint8": "Uint8Array",
    "int16": "Int16Array", "int8": "Int8Array", "int64": "BigInt64Array", "bool": "Uint8Array",
    "bfloat16": "Uint16Array", "uint16": "Uint16Array", "float16": "Uint16Array", "uint32": "Uint32Array",
    "uint64": "BigUint64Array",
}  # fmt: skip


def package_files(
    model: PlannedModel, recorded: Sequence[Recorded], name: str, tolerance: float, has_file: bool
) -> dict[str, str]:
    """The texts of the package, by the names of files."""
    texts = {called: (FILES / called).read_text() for called in LOADER}
    weights = f'{{ weights: new URL("{name}.weights", import.meta.url) }}' if has_file else ""
    source = f'new URL("{name}.wasm", import.meta.url)'
    texts["index.mjs"] = (
        'import { load } from "./penstock_model.mjs";\n\nexport { load, ModelError } from "./penstock_model.mjs";\n\n'
        f"/** Loads the model {name}, which lies beside this file. */\n"
        f"export default () => load({', '.join(filter(None, [source, weights]))});\n"
    )
    texts["index.d.ts"] = _types(model)
    texts["package.json"] = json.dumps(
        {
            "name": name.lower().replace("_", "-"), "version": OWN_VERSION, "type": "module", "main": "./index.mjs",
            "types": "./index.d.ts", "scripts": {"test": f"node {name}_test.mjs"}, "sideEffects": False,
        },
        indent=2,
    ) + "\n"  # fmt: skip
    texts[f"{name}_test.mjs"] = _test(model, recorded, tolerance)
    return texts


def _types(model: PlannedModel) -> str:
    """index.d.ts: the model's own inputs and outputs."""
    lines = ['import { Model, ModelFunction } from "./penstock_model.mjs";', ""]
    functions = []
    for function in model.functions:
        lowered = function.lowered
        sides = (
            "{ " + "; ".join(f"{json.dumps(t.name)}: {_array(t)}" for t in tensors) + " }"
            for tensors in (lowered.inputs, lowered.outputs)
        )
        functions.append(f"  {json.dumps(lowered.name)}: ModelFunction<{', '.join(sides)}>;")
    lines += ["export interface Functions {", *functions, "}", ""]
    lines += ['export { load, ModelError } from "./penstock_model.mjs";']
    lines += ["export default function open(): Promise<Model<Functions>>;", ""]
    return "\n".join(lines)


def _array(tensor: Tensor) -> str:
    return _ARRAYS.get(tensor.dtype.name, "Uint8Array")


def _test(model: PlannedModel, recorded: Sequence[Recorded], tolerance: float) -> str:
    """The test program: its status is 0 if all values agree."""
    calls = []
    for call in recorded:
        lowered = model.functions[call.function].lowered
        sides = [
            {t.name: [_array(t), _encoded(a)] for t, a in zip(tensors, arrays)}
            for tensors, arrays in ((lowered.inputs, call.inputs), (lowered.outputs, call.outputs))
        ]
        calls.append({"function": lowered.name, "inputs": sides[0], "outputs": sides[1]})
    text = (FILES / "test.mjs").read_text()
    return text.replace('"@CALLS@"', json.dumps(calls)).replace('"@TOLERANCE@"', f"{tolerance:g}")


def _encoded(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
