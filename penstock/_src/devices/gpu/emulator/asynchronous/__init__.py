"""Instructions that run asynchronously to the threads of a kernel, for sm_90a and later, written as inline assembly. They run in Python, between threads.

In: instructions, with the addresses of their operands. Out: memory, sums and threads that go on; or a `Misuse`. Read first: service.py.

    assembly.py    inline assembly as calls
    boxes.py       bulk copies by tensor maps, and the barriers in shared memory that count them
    maps.py        tensor maps, as the emulated driver writes them
    products.py    products of warpgroups
    faults.py      errors of kernels; shared memory
"""
