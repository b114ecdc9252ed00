"""Suites of measurements.

Each module has BACKENDS, CASES, LOWER (the figures of which less is better), TITLE, NOTE and
measure(case, backend) -> {figure: number}, which runs in a process of its own; some have prepare(case), which that process
calls before it loads the backend.
"""
