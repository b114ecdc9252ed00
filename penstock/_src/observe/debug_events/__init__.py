"""Dumps of a program's execution, for TensorBoard's Debugger V2: `tf.debugging.experimental.enable_dump_debug_info`.

In: ops, eager and of graphs, as `core/calls/op_callbacks.py` shows them, and tensors that DebugIdentityV2 sees in functions. Out: six files of
records below a folder. Read `dumping.py` first; `stacks.py` numbers lines of source, `writer.py` has the files, `messages.py` their records.
"""
