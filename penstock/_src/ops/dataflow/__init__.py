"""Tensors taken apart and put together by index, and stores of tensors that outlive a run.

A new op is a class in the file of its kind; its cases stand in tests/ops/dataflow/test_<file>.py.
"""
