"""Gradients of filters: schedule.py holds the common part, and kernel.py writes it.

plain.py       sums of plain products; plain_choice.py chooses their schedule
depthwise.py   each channel separately
matrices.py    bfloat16, by the registers of AMX
../winograd    3 x 3 taps in a quarter of the multiplications
"""
