"""The C header of a built model, its CMake file, and a program that holds it to recorded values."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from penstock._src.aot.model.plans import PlannedFunction, PlannedModel
from penstock._src.aot.model.signature import Tensor
from penstock._src.aot.recording import Recorded

FILES = Path(__file__).parent / "files"
_BYTES_OF_A_LINE = 32


def _upper(text: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in text).upper()


def prefix_of(model: PlannedModel, function: PlannedFunction, name: str) -> str:
    """Return the prefix of a signature's names. For a lone signature it is the model's name."""
    return name if len(model.functions) == 1 else f"{name}_{function.lowered.name}"


def header_text(model: PlannedModel, name: str, weights: int) -> str:
    """NAME.h: sizes and names as constants, and the functions.

    Args:
      model: what was built.
      name: of the model.
      weights: bytes of the file of weights, 0 if the library has them.
    """
    guard = f"PENSTOCK_MODEL_{_upper(name)}_H"
    lines = [
        f"/* The model {name}, built for {model.machine.name}. */",
        f"#ifndef {guard}", f"#define {guard}", "", '#include "libpenstock_model.h"', "",
        "#ifdef __cplusplus", 'extern "C" {', "#endif", "",
        f"#define {_upper(name)}_ARENA_BYTES {model.arena_bytes}u /* aligned to 64 */",
        f"#define {_upper(name)}_STATE_BYTES {model.arena_start}u /* at its start, kept from call to call */",
        f"#define {_upper(name)}_WEIGHTS_BYTES {weights}u /* of {name}.weights */", "",
        f"extern const penstock_model {name}_model;", "",
        "/* Gives an arena its first state; needed if there is one, or a file of weights. */",
        f"int32_t {name}_prepare(void *arena, uint64_t arena_bytes, const void *weights, uint64_t weights_bytes);",
        "",
    ]  # fmt: skip
    if model.threads > 1:
        lines += [
            f"/* Runs share their work among {model.threads} threads, which begin with the first run after {name}_prepare, one run at a time. This ends",
            "   them: before the library is unloaded. */",
            f"void {name}_stop_threads(void);",
            "",
        ]
    for function in model.functions:
        lines += _function_lines(model, function, name)
    lines += ["#ifdef __cplusplus", "}", "#endif", "", "#endif", ""]
    return "\n".join(lines)


def _function_lines(model: PlannedModel, function: PlannedFunction, name: str) -> list[str]:
    lowered, prefix = function.lowered, prefix_of(model, function, name)
    lines = [f"/* {lowered.name}"]
    for side, tensors in (("input", lowered.inputs), ("output", lowered.outputs)):
        lines += [f"   {side} {i}: {_described(t)}" for i, t in enumerate(tensors)]
    batches = [batch for batch in lowered.forms if batch]
    if batches:
        lines.append(f"   batch: {', '.join(map(str, batches))}")
    lines += ["*/"]
    for side, tensors in (("INPUT", lowered.inputs), ("OUTPUT", lowered.outputs)):
        lines.append(f"#define {_upper(prefix)}_{side}S {len(tensors)}")
        for i, tensor in enumerate(tensors):
            lines.append(f"#define {_upper(prefix)}_{side}_{i}_BYTES {tensor.bytes}u")
            lines.append(
                f"#define {_upper(prefix)}_{side}_{i}_ELEMENTS {int(np.prod(tensor.shape, dtype=np.int64))}u"
            )
    more = ", int64_t batch" if batches else ""
    lines += [
        "/* Sizes are not looked at: penstock_run does that. */",
        f"int32_t {prefix}_run(const void *const *inputs, void *const *outputs, void *arena{more});",
        "",
    ]
    return lines


def _described(tensor: Tensor) -> str:
    shape = [
        "batch" if tensor.is_batched and i == 0 else str(d) for i, d in enumerate(tensor.shape)
    ]
    return f"{tensor.name}, {tensor.dtype.name} [{', '.join(shape)}]"


def cmake_text(model: PlannedModel, name: str, calls: Sequence[str]) -> str:
    """CMakeLists.txt: a target `NAME` to link, and the test program."""
    _, static, _ = model.machine.formats
    is_linux = model.machine.target.system == "linux"
    libraries = " m" if calls and is_linux else ""
    libraries += " pthread" if model.threads > 1 and is_linux else ""
    return f"""# find_package is not needed: add_subdirectory() this folder, then target_link_libraries(program {name}).
cmake_minimum_required(VERSION 3.16)
project({name} LANGUAGES C)

add_library({name} STATIC IMPORTED GLOBAL)
set_target_properties({name} PROPERTIES
  IMPORTED_LOCATION "${{CMAKE_CURRENT_LIST_DIR}}/lib{name}{static}"
  INTERFACE_INCLUDE_DIRECTORIES "${{CMAKE_CURRENT_LIST_DIR}}"
  INTERFACE_LINK_LIBRARIES "{";".join(libraries.split())}")

add_executable({name}_test "${{CMAKE_CURRENT_LIST_DIR}}/{name}_test.c")
target_link_libraries({name}_test {name})
enable_testing()
add_test(NAME {name} COMMAND {name}_test WORKING_DIRECTORY "${{CMAKE_CURRENT_LIST_DIR}}")
"""


def module_map_text(name: str) -> str:
    """module.modulemap: `import NAME` in Swift."""
    return f'module {name} {{\n  header "{name}.h"\n  link "{name}"\n  export *\n}}\n'


def values_text(recorded: Sequence[Recorded], name: str) -> str:
    """NAME_values.h: the recorded arrays as bytes."""
    lines = ["#include <stdint.h>", ""]
    for number, call in enumerate(recorded):
        for side, arrays in (("in", call.inputs), ("out", call.outputs)):
            for i, array in enumerate(arrays):
                data = np.ascontiguousarray(array).tobytes()
                literals = [
                    ",".join(map(str, data[at : at + _BYTES_OF_A_LINE]))
                    for at in range(0, len(data), _BYTES_OF_A_LINE)
                ]
                lines.append(
                    f"static const _Alignas(16) uint8_t {name}_{side}{number}_{i}[] = {{\n"
                    + ",\n".join(literals or ["0"])
                    + "};"
                )
    return "\n".join([*lines, ""])


def test_text(
    model: PlannedModel, recorded: Sequence[Recorded], name: str, tolerance: float
) -> str:
    """NAME_test.c: runs every recorded call and compares; its status is 0 if all are right."""
    body = (FILES / "test.c").read_text()
    calls = []
    for number, call in enumerate(recorded):
        lowered = model.functions[call.function].lowered
        for side, arrays, tensors in (
            ("in", call.inputs, lowered.inputs), ("out", call.outputs, lowered.outputs),
        ):  # fmt: skip
            rows = [
                f"  {{{name}_{side}{number}_{i}, {a.nbytes}u, {t.dtype.as_datatype_enum}}}"
                for i, (a, t) in enumerate(zip(arrays, tensors))
            ]
            calls.append(
                f"static const values {side}puts{number}[] = {{\n"
                + ",\n".join(rows or ["  {0, 0, 0}"])
                + "};"
            )
    rows = [
        f"  {{{call.function}, inputs{n}, {len(call.inputs)}, outputs{n}, {len(call.outputs)}}}"
        for n, call in enumerate(recorded)
    ]
    text = "\n".join(calls) + "\nstatic const call calls[] = {\n" + ",\n".join(rows) + "};\n"
    most = max((a.nbytes for call in recorded for a in call.outputs), default=1)
    total = max((sum(_rounded(a.nbytes) for a in c.outputs) for c in recorded), default=1)
    words = {
        "@NAME@": name, "@UPPER@": _upper(name), "@CALLS@": text, "@OUTPUT_BYTES@": str(max(total, most, 1)),
        "@TOLERANCE@": f"{tolerance:g}",
        "@ARRAYS@": str(max((max(len(c.inputs), len(c.outputs)) for c in recorded), default=1) or 1),
    }  # fmt: skip
    for word, value in words.items():
        body = body.replace(word, value)
    return body


def _rounded(size: int) -> int:
    return -(-size // 64) * 64
