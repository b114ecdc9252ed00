"""Sessions that run operations in tasks of a cluster, by their devices.

`connection.py` knows the tasks of a session's target, `session.py` makes programs for them of `distribute/cluster/steps`.
"""
