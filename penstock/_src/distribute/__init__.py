"""Training over devices and machines: strategies, and what runs in the context of a replica.

Read `strategy.py` (what every strategy answers), then `local.py` (those of one device). A strategy over
several devices or machines goes into a file of its own here.
"""
