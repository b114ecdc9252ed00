"""Iterations over datasets that are shared or watched: among devices, through checkpoints, by statistics.

`devices.py` deals elements out to devices, `positions.py` keeps where an iteration stands, `statistics.py` counts what
passes. A new op on iterations that outlive one reader goes here.
"""
