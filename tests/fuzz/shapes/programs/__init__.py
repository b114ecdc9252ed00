"""Random programs whose argument has one to four unknown extents, called with twenty shapes of each, and with what their guards ask.

    make fuzz WHICH=shapes PROGRAMS=1 MINUTES=10        draws for a while
    make fuzz WHICH=shapes PROGRAMS=1 SEED=7            one program: its text, its programs' conditions, and what comes of it

drawing.py    draws one: the steps of tests/fuzz/programs, more often those that extents decide, and twenty shapes
guards.py     the programs that were made of a function, and shapes on the other sides of their conditions
classes.py    how many programs the values in a program explain
judging.py    runs one as users do, beside eager, and judges numbers, refusals, memory and how many programs were made
worker.py     judges one after another; __main__.py starts workers and reports
"""
