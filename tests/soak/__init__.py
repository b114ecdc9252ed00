"""Long runs: what a process takes must not grow, and what it has begun must end.

    python -m tests.soak                      every scene at its full length: some hours
    python -m tests.soak retraces --count 500

`scenes/` says what is done again and again, `measure.py` what is looked at, `run.py` when growth is a leak.
`test_soak.py` runs each scene for some seconds.
"""
