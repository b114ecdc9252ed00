"""From graphs of ops to native programs.

In: a graph of operations (compile.py: `compile_graph`). Out: an `Executable`, called with host
values. Read first: pipeline.py, the list of stages; then blocks/ (the native parts; host/ runs the rest),
lower/ (ops to primitives), recognize/ and fusion/ (primitives to kernels), codegen/ (kernels to LLVM IR), device.py (the interface of
devices, which run them: devices/, a layer above). A stage
treats a function together with the bodies of its loops and branches. A new pass over primitives is one file in passes/ and one line in pipeline.py.
"""
