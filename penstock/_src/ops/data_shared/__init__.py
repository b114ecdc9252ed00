"""Dataset iterators that are shared or observed.

`devices.py` distributes elements over devices, `positions.py` saves and restores the position of an iterator,
`statistics.py` gathers statistics of elements.
"""
