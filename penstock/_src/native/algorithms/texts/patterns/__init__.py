"""Regular expressions over bytes: matches by an automaton, and the groups of a match by a program.

In: tables that `ops/strings/re2` makes of a pattern, and arrays of bytes objects. Read automata.py first; captures.py finds groups.
"""
