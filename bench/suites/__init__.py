"""Suites of measurements.

Each module has BACKENDS, CASES, LOWER (the figures where lower is better), TITLE, NOTE and measure(case, backend) ->
{figure: number}, which runs in its own process; some have prepare(case), which that process calls before it loads the
backend.
"""
