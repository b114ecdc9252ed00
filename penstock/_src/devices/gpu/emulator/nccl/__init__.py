"""The emulated libnccl: its functions, over streams of the emulated libcuda. Read library.py first.

worlds.py     the exchange of values between ranks of one process
processes.py  the same between processes of one machine, over sockets
library.py    libnccl's functions
"""
