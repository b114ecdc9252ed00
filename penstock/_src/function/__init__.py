"""tf.function and AutoGraph: turn Python callables into compiled graphs.

In: a Python function and its arguments. Out: `ConcreteFunction`s, each a traced FuncGraph with its Executable.
Read `function.py` first (the public object), then `trace_type.py` (which calls share a trace), `concrete.py` (running and differentiating one trace).
`autograph/` rewrites Python control flow so that it may depend on tensors.

A variable passed to a function is an input of the trace: its handle is a tensor, and its type, with its number among the variables of the
call, is part of the key (`function/trace_type.py`). The traced function gets the variable itself. `FuncGraph.argument_handles` maps its handle
to the input, so other variables of this type need neither a new trace nor a new program.
"""
