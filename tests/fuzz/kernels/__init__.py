"""Random kernels: one operation whose operands are seen through views, and whose result epilogues and sums go on with.

    python -m tests.fuzz.kernels --minutes 10      draws cases; those that differ are made smaller and printed
    python -m tests.fuzz.kernels --seed 7          one of them
    python -m tests.fuzz.kernels --loops           loops over states, instead of cases

What a contraction is, and which loops a nest has, is recognized by how letters of its operands walk through memory;
what follows it is computed where its result stands in registers. Whole programs seldom draw the odd cases, and take
a hundred times as long; here each case is one. Elements are small multiples of 1/8, so sums of products are exact in
any order and a wrong element stands out.

    case.py       a case as data
    making.py     the function of primitives that it describes
    drawing.py    a random case; tails.py: what follows the operation
    running.py    interpreted, compiled, compared
    shrinking.py  a smaller case that fails alike
    loops.py      loops whose states are changed in part
"""
