"""Matrix products: schedule.py has the description and the cut into blocks, packing.py and kernel.py the code."""
