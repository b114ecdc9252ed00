"""The stage `loops`: loops whose number of steps is known, rewritten so that each step does less.

What comes in: a Function. What goes out: one in which counted `while` nodes carry less and do less.

    rewrite.py   finds the loops of a function, inner ones first; the stage `loops`
    loop.py      a loop taken apart, and put together again without what nobody needs
    counters.py  numbers that grow by a known step become expressions of one counter
    rows.py      what reads or writes row t of an array in step t: products move out of the loop as one large product
"""

from penstock._src.compiler.passes.loops.rewrite import loops

__all__ = ["loops"]
