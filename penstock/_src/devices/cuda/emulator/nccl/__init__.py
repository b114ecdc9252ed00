"""What stands for libnccl: the same functions, over streams of what stands for libcuda. Read first: library.py.

worlds.py     what ranks of one process give each other
processes.py  the same between processes of one machine, over sockets
library.py    libnccl's functions
"""
