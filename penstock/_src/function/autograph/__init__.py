"""AutoGraph: rewrites the syntax tree of a user's function so that Python control flow can depend on tensors.

In: a Python function. Out: a function of the same signature, closure, globals, file and line numbers whose `if`, `while`, `for`, `and`, `or`,
`not`, conditional expressions, asserts and calls go through `operators.py`, which decides at run time between Python and graph control flow.

`parser.py` finds the syntax tree of a function, `jumps.py` turns jumps into flags, `scopes.py` finds the variables that each
statement carries, `if_while_for.py` and `expressions.py` rewrite, `convert.py` drives them, caches converted functions and decides
which functions are not converted; `operators.py`, `loops.py` and `builtins.py` are the runtime of rewritten code.
"""
