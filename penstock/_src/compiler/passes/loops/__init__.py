"""The stage `loops`: rewrites loops with a known number of steps so that each step does less.

In: a Function. Out: a Function whose counted `while` nodes carry fewer values and compute less in each step.

    rewrite.py   finds the loops of a function, inner ones first; the stage `loops`
    loop.py      takes a loop apart, and rebuilds it without unused values
    counters.py  induction variables become expressions of one counter
    rows.py      arrays whose row t is read or written by step t: products of rows become one large product outside of the loop
"""

from penstock._src.compiler.passes.loops.rewrite import loops

__all__ = ["loops"]
