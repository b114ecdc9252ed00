"""Random programs: drawn from a seed, run in all ways, compared, and made smaller when they fail.

    make fuzz MINUTES=10                     draws for a while; finds are written as programs that run by themselves
    python -m tests.fuzz.programs --seed 7   one program: its text and what comes of it

program.py    a program as data, and its text
drawing.py    draws one; steps/ has what it is made of, by family
noise.py      what rounding may change
oracles.py    runs a program in all ways, and compares
shrink.py     makes a program smaller that fails
worker.py     draws and runs one after another, processes.py in processes; hunting.py starts these and reports
"""
