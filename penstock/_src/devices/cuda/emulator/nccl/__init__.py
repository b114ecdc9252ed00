"""The emulated libnccl: its functions, over streams of the emulated libcuda. Read library.py first.

worlds.py     what ranks of one process give each other
processes.py  the same between processes of one machine, over sockets
library.py    libnccl's functions
"""
