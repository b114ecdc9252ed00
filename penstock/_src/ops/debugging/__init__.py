"""Ops that look at tensors, devices and the process while a program runs.

Nothing comes out that a computation needs: the inputs, or numbers about them. `summaries.py` has the
debugger's, `process.py` those on the process and its devices. A new one goes beside its kind.
"""
