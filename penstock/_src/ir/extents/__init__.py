"""What unknown extents are in a call, and what was decided by them.

What comes in: expressions of Dims (dims.py), which ask. What goes out: answers, and the conditions under which they are the same.

    dims.py     extents as expressions; read it first
    functions.py  bits and tables of them
    values.py   the numbers of a call
    guards.py   a recording of answers, as conditions of what was compiled by them

Symbols are at least 2 (extents of 0 and 1 are ints from the start), sums and products of what is not negative are not negative, `n % 4` and `n // 4`
are at most `n`, and earlier answers hold: what follows from these is not a condition. Every other comparison takes the answer of the call at hand,
and the answer becomes a condition. Code that takes a `Dim` for a plain number (`int`, `range`, an array of NumPy) adds the condition that it is this
number. So a schedule and its conditions are right by construction: for every call that fulfils the conditions, all stages would decide, step by step,
as they did. Nothing is trusted because samples agreed.

Outside of a call a `Dim` has no number: whoever asks for one gets an error, not the number of an earlier call. Decisions about speed alone take
unknown extents for large (`dims.is_large`), so that they split no program; rules that only simplify ask nobody (`is_known_positive`, `is_at_most`,
`same`, `is_one`). So a part that is empty in some calls, such as what is left of a multiple, stays a part, and its launch has no tasks then. Code for
which nothing is another case (attention takes a maximum over keys, a loop's rows are an array) asks for it.
"""
