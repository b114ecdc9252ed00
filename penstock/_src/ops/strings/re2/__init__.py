"""Regular expressions in RE2's syntax, matched in time linear in the text.

Begin with `expression.py`, which takes a pattern (`parsing.py`, `characters.py`) and matches texts by Python's `re` where that
provably takes few steps, else by a machine that follows all ways at once (`machine.py`).
"""
