"""Datasets over files of other systems; each has a file.

Read first: columns.py. What reads blocks of rows is in ops/data_shared.
"""
