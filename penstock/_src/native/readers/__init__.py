"""Native readers of file formats: functions over bytes that Python calls for whole batches.

Each file reads one format in whole batches: it finds the values and writes them to columns. Readers of protocol buffers accept the encoding that
writers produce, and return a code for any other, which is then parsed by the library of protocol buffers, slowly; it also raises the errors for
damaged data (`ops/parsing/columns.py`). All paths of users go through `filesystems/files.py`: local ones, `ram://`, or URLs that fsspec opens. Files
are saved atomically, also several together (`filesystems/transaction.py`).
"""
