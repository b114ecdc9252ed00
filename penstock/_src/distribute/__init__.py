"""Distributed training: strategies and replica contexts.

Read `strategy.py` (the interface of every strategy), then `local.py` (strategies of one device). A strategy over several
devices or machines has its own file here.
"""
