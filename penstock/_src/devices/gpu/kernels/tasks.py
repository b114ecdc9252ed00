"""Kernels without a schedule for GPUs yet: the CPU's task functions, a block of one thread for each task.

They are correct but slow. At most CONCURRENT blocks run at once, each taking one task after the other, so that the memory
shared by the tasks of a "thread" (scratch) belongs to one block.
"""

import re
from dataclasses import replace

from penstock._src.core.errors import UnimplementedError
from penstock._src.devices.gpu.kernels.functions import FUNCTIONS, with_functions
from penstock._src.devices.gpu.kernels.language import CONTEXT_WORD, CudaCode
from penstock._src.native import Code

# The CPU's generators write the heads of tasks in this form only.
_TASK = re.compile(
    r"^define void @(\w+)\(ptr (?:noalias )?%ctx, i64 %task, i64 %tid\) #0 \{$", re.M
)
_DECLARED = re.compile(r"^declare [^@]*@([\w.$]+)\(", re.M)
_DEFINED = re.compile(r"^define [^@]*@([\w.$]+)\(", re.M)
# True after an interrupt of the run, which does not happen on a GPU.
_DROPPED = "penstock_task_is_dropped"
_PROVIDED = f"""define internal i64 @{_DROPPED}(i64 %tid) #0 {{
entry:
  ret i64 0
}}"""

_KERNEL = """define ptx_kernel void @{name}(ptr byval([{words} x i64]) align 8 %ctx, i64 %tasks, ptr %ended) #0 "nvvm.reqntid"="1" {{
entry:
  %may = icmp ne ptr %ended, null
  br i1 %may, label %look, label %begin
look:
  %code = load i64, ptr %ended
  %has = icmp ne i64 %code, 0
  br i1 %has, label %done, label %begin
begin:
  %block = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
  %blocks = call i32 @llvm.nvvm.read.ptx.sreg.nctaid.x()
  %first = zext i32 %block to i64
  %step = zext i32 %blocks to i64
  %any = icmp ult i64 %first, %tasks
  br i1 %any, label %loop, label %done
loop:
  %task = phi i64 [ %first, %begin ], [ %next, %loop ]
  call void @{name}_of_task(ptr %ctx, i64 %task, i64 %first)
  %next = add i64 %task, %step
  %more = icmp ult i64 %next, %tasks
  br i1 %more, label %loop, label %done
done:
  ret void
}}"""
_REGISTERS = "declare i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()\ndeclare i32 @llvm.nvvm.read.ptx.sreg.nctaid.x()"


def code_of_tasks(code: Code) -> CudaCode:
    """The code of a CPU's task functions as kernels.

    Raises:
      UnimplementedError: they call functions that GPUs lack.
    """
    # A kernel's arguments have a size: that of all words that its tasks read.
    words = 1 + max(map(int, CONTEXT_WORD.findall(code.text)), default=0)
    names = _TASK.findall(code.text)
    text = _TASK.sub(
        r"define internal void @\1_of_task(ptr %ctx, i64 %task, i64 %tid) #0 {", code.text
    )
    # Defined here as well: a GPU's module has no process to be linked with.
    if _DROPPED in text:
        text = re.sub(rf"^declare .*@{_DROPPED}\(.*$", _PROVIDED, text, flags=re.M)
    kernels = [_KERNEL.format(name=name, words=words) for name in names]
    text = "\n".join([_REGISTERS, text, *kernels])
    return checked(CudaCode(text, tuple(names), code.target, 1, words, emitter=code.emitter))


def checked(code: CudaCode) -> CudaCode:
    """The code, linked with the FUNCTIONS that it calls.

    Raises:
      UnimplementedError: it calls other functions that GPUs lack.
    """
    called = [name for name in _DECLARED.findall(code.text) if name in FUNCTIONS]
    if called:
        code = replace(code, text=with_functions(code.text, called, code.target))
    known = set(_DEFINED.findall(code.text))
    missing = [
        n for n in _DECLARED.findall(code.text) if not n.startswith("llvm.") and n not in known
    ]
    if missing:
        raise UnimplementedError(
            None, None, f"{', '.join(missing)}: no function of GPUs has this meaning yet."
        )
    return code
