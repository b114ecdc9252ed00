"""The threads of a built model, if it has any: the pool of native/process/workers.py, which nothing interrupts."""

import dataclasses

from penstock._src.aot.targets import Machine
from penstock._src.core.errors import UnimplementedError
from penstock._src.native.process import denormals, workers
from penstock._src.native.systems import is_supported, system_calls

RUNS_TASKS = "penstock_pool_run"
_UNINTERRUPTED = """
@penstock_interrupts = internal global [64 x i8] zeroinitializer, align 64
define internal i1 @came() #0 { ret i1 false }
define internal i1 @abandons() #0 { ret i1 false }
"""


def threads_text(machine: Machine) -> str:
    """The pool as LLVM IR.

    Raises:
      UnimplementedError: the machine's system has no threads, or none that are known.
    """
    target = machine.target
    if machine.name.endswith("-macos"):
        target = dataclasses.replace(target, triple=f"{target.architecture}-apple-darwin")
    if not is_supported(target) or machine.pointer != 8:
        raise UnimplementedError(None, None, f"--threads: not supported on {machine.name}.")
    return f"{system_calls(target)}{denormals.KEPT}{workers.TEXT}{_UNINTERRUPTED}"
