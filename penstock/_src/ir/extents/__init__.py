"""Unknown extents: expressions, their numbers in a call, and the conditions that comparisons of them add.

In: comparisons of Dims (dims.py). Out: their answers, and the conditions under which the answers stay the same.

    dims.py       extents as expressions; read it first
    functions.py  bitwise operations on them, and tables of them
    values.py     the numbers of a call
    guards.py     records answers as conditions of the program that is being compiled

An answer is not a condition if it follows from these facts: symbols of extents are at least 2 (those of 0 and 1 are ints from the
start) and those of numbers that inputs hold at least 0, sums and products of numbers that are not negative are not negative, `n % 4` and `n // 4` are
at most `n`, and earlier answers hold. Every other comparison takes the answer
for the current call, and adds it as a condition. Code that converts a `Dim` to a plain number (`int`, `range`, an array of NumPy) adds the condition
that it has this number. So a schedule and its conditions are right by construction: for every call that meets the conditions, all stages would make
the same decisions. Nothing is trusted because samples agreed.

Outside of a call a `Dim` has no number: asking for it raises an error, rather than returning the number of an earlier call. Decisions about speed alone
treat unknown extents as large (`dims.is_large`), and rules that only simplify use tests without conditions (`is_known_positive`, `is_at_most`,
`same`, `is_one`), so that they do not split programs. So a part that is empty in some calls, such as the remainder of a multiple, stays a part, and its
launch has no tasks then. Code that must treat an empty array differently (attention takes a maximum over keys) compares, which adds a condition.
"""
