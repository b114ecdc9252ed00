"""AutoGraph: Python control flow over tensors, by rewriting the syntax tree of the user's function.

In: a Python function. Out: a function of the same signature, closure, globals, file and line numbers whose `if`, `while`, `for`, `and`, `or`,
`not`, conditional expressions, asserts and calls go through `operators.py`, which decides at run time between Python and graph control flow.

`parser.py` finds the syntax tree of a function, `returns.py` and `break_continue.py` turn jumps into flags, `scopes.py` says which variables
each statement carries, `if_while_for.py` and `expressions.py` rewrite, `convert.py` drives them, keeps what was converted and decides what is
left alone; `operators.py`, `loops.py` and `builtins.py` are what rewritten code calls.
"""
