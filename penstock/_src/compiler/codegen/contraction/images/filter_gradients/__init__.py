"""Gradients of filters: schedule.py has what all families share, and kernel.py writes it.

plain.py       sums of plain products; plain_choice.py chooses their schedule
depthwise.py   every channel by itself
../winograd    3 x 3 taps in a quarter of the multiplications
"""
