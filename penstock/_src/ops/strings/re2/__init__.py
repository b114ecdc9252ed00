"""Regular expressions in RE2's syntax, matched in time linear in the text.

Begin with `expression.py`, which takes a pattern (`parsing.py`, `characters.py`). Most patterns become automata for native code (`automaton.py`), made of a program over bytes (`byte_program.py`). Rewrites
with groups (`rewriting.py`), larger automata and texts that take native code many steps are matched by Python's `re` where that provably takes few steps, else by a machine that follows all ways at once
(`machine.py`). Malformed texts are matched there byte by byte.
"""
