"""Native code: LLVM IR generated from Python, compiled, cached, loaded, and run on a thread pool.

This layer is independent of tensors. Read language/module.py first, then language/function.py.

Writing      m = Module(target=host())           target.py: vector width, registers, cores; never a constant
             with m.task("double") as f:         a task: f.ctx (arguments' address), f.task, f.tid
                 x, n = f.load(f.ctx, 0, PTR), f.load(f.ctx, 1, I64)
                 V = f.target.vector(F32)        language/types.py: F32 "float", I64 ..., vec(F32, 16), lanes(V)
                 f.loop(0, n, 1, lambda i: f.store(f.load(x, i, F32) * 2.0, x, i))
             Val has Python's operators (// % unsigned); x.eq(y), x.ne(y) compare.
             f.load(p, offset, type, mask) f.store(v, p, offset, mask) f.at(p, offset, type) f.gather f.scatter
             f.loop(low, high, step, body, *carried) f.loop_while(condition, body, *carried) f.when(c, yes, no)
             f.select f.fma f.min f.max f.cast f.convert f.bits f.splat f.mask f.shuffle f.reduce f.intrinsic
             f.call(name or pointer, *args, ret=...) f.alloca(type, count)
Compiling    code = Code.of(m)                   text, exports, target; code.key is its permanent identity
             library = kernels()[code]           or kernels().load(codes) -> {key: Library}: in parallel, cached on disk
             library["double"]                   an address; library.function(name, *ctypes) for tests
             kernels().statistics                compiled, from_disk, reused, seconds
             llvm/ compiles; loading/ links, by LLVM or without it; cache/packs has code that came with models
Threads      pool().threads, pool().resize(n), ask_for_threads(n)    generated code calls penstock_pool_run(fn, ctx, tasks, limit)
Running      runner.py: a table of records (function, tasks, length, ns, arguments...; JUMP, JUMP_UNLESS, SWITCH)
             call = Call(table, inputs, patches, threads=n, keep=owners)
             call.run(*arrays) -> 0 or the code in call.status[0]; call.timed() -> (timed run, log)
Builtins     python_calls.py: builtin(address, name) and the parts of its code: native functions for Python, 13 ns
Kernels      builtins/kernel.py: @kernel, loops over elements as Python functions (docs/kernels.md)
A new operating system is a file in systems/; a new CPU family a line in target.py.
"""

from .code import Code, NamedCode, WrittenCode
from .kernels import Kernels, KernelStatistics, kernels
from .language.module import Module
from .language.value import Val
from .llvm.compile import assembly
from .loading import Library, provide
from .pool import Pool, ask_for_threads, pool
from .runner import Call
from .target import Target, host

__all__ = [
    "Call", "Code", "Kernels", "Library", "Module", "NamedCode", "Pool", "KernelStatistics", "Target", "Val",
    "WrittenCode", "ask_for_threads", "assembly", "host", "kernels", "pool", "provide",
]  # fmt: skip
