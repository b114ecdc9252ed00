"""`penstock doctor --first-light`: does everything run on this machine's GPU, and how fast?

In: a machine with an NVIDIA GPU, or the emulated one. Out: one report in Markdown. Read `command.py` first, which runs each step of `steps.py` in a process of its
own, so that a crash or a hang is a line of the report. A step is a function that yields findings: `calls.py` compares operations with
NumPy's results, `models.py` losses with the CPU's, `rates.py` measures products, convolutions, attention and memory.
"""
