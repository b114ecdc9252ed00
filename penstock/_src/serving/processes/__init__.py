"""Ways to run a server: in one process, in several, or in a thread of a program.

In: options. Out: a server that answers until it is ended. `process.py` has the event loop and signals of a process, `supervisor.py` starts several and replaces those that die,
`background.py` is for programs that do other things too, `ray_serve.py` for Ray Serve.
"""
