"""Iterators over datasets, and the ops on them.

A handle (handle.py) plans a dataset (`ops/data_planner`), iterates over what runs in its place, and saves and restores the position. The ops on it are in
iterators.py; optionals.py has optional elements, queries.py what is asked of a dataset itself.
"""
