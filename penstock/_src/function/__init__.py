"""tf.function and AutoGraph: turn Python callables into compiled graphs.

In: a Python function and its arguments. Out: `ConcreteFunction`s, each a traced FuncGraph with its Executable.
Read `function.py` first (the public object), then `trace_type.py` (which calls share a trace), `concrete.py` (running and differentiating one trace).
`autograph/` rewrites Python control flow so that it may depend on tensors.
"""
