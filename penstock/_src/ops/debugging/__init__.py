"""Ops that inspect tensors, devices and the process at run time.

They return their inputs, or statistics about them. `summaries.py` has the debugger's ops, `process.py` those about the
process and its devices.
"""
