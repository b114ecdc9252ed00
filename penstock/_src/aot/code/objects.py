"""A planned model as object code."""

import functools
import re
from dataclasses import dataclass

import llvmlite.binding as llvm
import numpy as np

from penstock._src.aot.code.launches import LaunchFunction
from penstock._src.aot.code.machine_code import finished, joined, kernel_name, parsed, undefined
from penstock._src.aot.code.public import PublicText, public_text
from penstock._src.aot.code.threads import RUNS_TASKS, threads_text
from penstock._src.aot.model.plans import PlannedModel
from penstock._src.native.llvm import initialize as initialize_llvm

# The thread pool's function that kernels call: True if the rest of a task may be dropped, which never happens here.
_PROCESS = "define i64 @penstock_task_is_dropped(i64 %thread) #0 {\n  ret i64 0\n}\n"
_PREFIX = "kernel"


@dataclass(frozen=True)
class ModelObjects:
    """Object files to link.

    model      the object of the model
    entry      an object with the one symbol that every shared library has: `penstock_model`, which gives the model's table
    constants  what goes to a file of its own; nothing if the object has it
    calls      functions that the object needs of whom it is linked with
    names      public symbols of the model
    """

    model: bytes
    entry: bytes
    constants: bytes
    calls: tuple[str, ...]
    names: tuple[str, ...]


def model_objects(model: PlannedModel, name: str, has_file: bool) -> ModelObjects:
    """Generates and compiles a model.

    Args:
      model: planned.
      name: prefix of its symbols.
      has_file: whether constants are left to a file.
    """
    initialize_llvm()
    machine = model.machine.machine()
    kernels = {
        (code.key, exported): kernel_name(_PREFIX, number, exported)
        for number, code in enumerate(model.codes)
        for exported in code.exports
    }
    has_threads = model.threads > 1
    parts = [threads_text(model.machine)] if has_threads else []
    forms = dict[tuple[int, int], str]()
    runs_tasks = RUNS_TASKS if has_threads else None
    for number, function in enumerate(model.functions):
        for form, plan in function.plans.items():
            called = forms[number, form] = f"f{number}.form{form}"
            messages = [model.message(error) for error in plan.errors]
            messages += [model.message(check) for check, _ in plan.conditions]
            place = model.place_in(function, form)
            parts.append(LaunchFunction(plan, place, kernels, messages, runs_tasks).text(called))
    text = PublicText(name, model, has_file)
    parts.append(public_text(text, forms))
    written = "\n".join(parts)
    used = sorted(called for called in kernels.values() if re.search(rf"@{called}\b", written))
    parts += [f"declare void @{called}(ptr, i64, i64)" for called in used]
    parts += ["" if has_file else _data_text(model.data.bytes()), _PROCESS]
    parts += [model.machine.target.attributes, _flags(model)]
    module = joined("\n".join(parts), model.codes, _PREFIX, machine)
    code = finished(module, machine, text.names)
    return ModelObjects(
        code,
        _entry_object(name, model, machine),
        model.data.bytes() if has_file else b"",
        tuple(undefined(code, module)),
        tuple(text.names),
    )


def _flags(model: PlannedModel) -> str:
    """Facts of the module that LLVM's object writers look at."""
    if not model.machine.abi:
        return ""
    return f'!llvm.module.flags = !{{!0}}\n!0 = !{{i32 1, !"target-abi", !"{model.machine.abi}"}}'


@functools.cache
def _spellings() -> np.ndarray:
    """Each byte in LLVM's notation."""
    return np.array([f"\\{byte:02X}".encode() for byte in range(256)], "S3")


def _data_text(data: bytes) -> str:
    """The constants as text."""
    spelled = _spellings()[np.frombuffer(data, np.uint8)].tobytes().decode()
    return (
        f'@penstock_constants = internal unnamed_addr constant [{len(data)} x i8] c"{spelled}", align 64'
        if data
        else "@penstock_constants = internal unnamed_addr constant [64 x i8] zeroinitializer, align 64"
    )


def _entry_object(name: str, model: PlannedModel, machine: llvm.TargetMachine) -> bytes:
    exported = "dllexport " if model.machine.target.system == "windows" else ""
    text = (
        f"@{name}_model = external global i8\n"
        f"define {exported}ptr @penstock_model() #0 {{\n  ret ptr @{name}_model\n}}\n"
        f"{model.machine.target.attributes}\n{_flags(model)}\n"
    )
    return finished(parsed(text, machine, llvm.create_context()), machine, ["penstock_model"])
