"""Sessions whose operations run in tasks of a cluster, by their devices.

`connection.py` knows the tasks of a session's target; `placement.py` says which task an operation runs in, `partition.py` cuts what a run needs
into parts, each of one task, and `program.py` runs these, each once what it reads is there, with values passed between tasks by this process.
`workers.py` are the tasks: of this process, whose parts read the session's own graph, or of others, to which nodes are sent once.
"""
