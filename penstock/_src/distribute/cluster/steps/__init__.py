"""Steps that several tasks compute: of sessions, and of functions with variables in other tasks.

`placement.py` assigns operations to tasks, `partition.py` cuts a run's operations into parts, each of one task, and `program.py` runs these,
each once its inputs are ready, with values passed between tasks by this process. `workers.py` are the tasks: of this process, whose parts
read the graph itself, or of others, to which nodes are sent once. `functions.py` does this for functions.
"""
