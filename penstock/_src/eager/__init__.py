"""Eager execution: tensors that hold their values, the executor that runs an op now, variables.

Read `execute.py` first: it is the path of every eager op.

After many calls of a kernel, native code makes them (`native/process/eager_calls/op_calls.py`): `raw.<Op>` and the operators ask it first, and it
leaves what it does not know to `execute`; `ops/native_forms.py` says which calls it may make. Kernels that call NumPy several times say as what
loops (`core/values/numpy_loops.py`), which `native/process/eager_calls/loop_calls.py` runs. Public functions have whole calls made so
(`api/extending/direct_calls.py`). So have reads and assignments of variables (`variable_calls.py`) and slices by basic indices (`item_calls.py`).

Large eager ops (at least 131,072 elements, `compiled.py`) are compiled as graphs of one op, cached by shapes and dtypes. An op that is a whole
program (`XlaCallModule`) is compiled at any size.
"""
