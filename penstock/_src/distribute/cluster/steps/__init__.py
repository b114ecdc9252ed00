"""Steps that several tasks compute: of sessions, and of functions with variables in other tasks.

`placement.py` says which task an operation runs in, `partition.py` cuts what a run needs into parts, each of one task, and `program.py` runs these,
each once what it reads is there, with values passed between tasks by this process. `workers.py` are the tasks: of this process, whose parts
read the graph itself, or of others, to which nodes are sent once. `functions.py` does this for functions.
"""
