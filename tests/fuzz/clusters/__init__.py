"""Faults put into training jobs of four workers: every job has to end as it should, or soon, with an error that names a rank.

`make cluster-faults` runs `__main__.py`. `job.py` is the program that workers run, `faults.py` says which faults there are and what is right,
`jobs.py` starts workers and holds what they leave behind against a run without faults. `snapshots.py` does the same with snapshots of the tf.data service.
"""
