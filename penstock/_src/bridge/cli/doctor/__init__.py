"""`penstock doctor`: finds problems of this machine, environment or cache.

In: the process's environment. Out: findings, each with what to do about it. Read `report.py` first; the other files are the checks: functions that
yield findings and import what they examine themselves, since it may be what is broken.
"""

from penstock._src.bridge.cli.doctor.report import main

__all__ = ["main"]
