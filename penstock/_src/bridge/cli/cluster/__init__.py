"""`penstock launch`: many processes of one program.

`launch.py` reads the command line, `starters.py` knows the programs that start processes, `watch.py` forwards what the processes print and ends
all when one dies, `worker.py` runs the program in each of them, and `events.py` is what workers tell the launcher.
"""
