"""Reductions of rows by segment ids: segment.py of all rows, sparse_segment.py of rows that indices choose."""
