"""Partition and stitch by index, and containers of tensors that persist between runs: queues, barriers, stacks.


A new op is a class in the file of its kind; its cases stand in tests/ops/dataflow/test_<file>.py.
"""
