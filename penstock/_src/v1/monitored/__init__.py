"""Training sessions of TensorFlow 1 that initialize, restore, save and log automatically.

In: a graph and hooks. Out: a session whose `run` calls the hooks. `hooks.py` has the hook interface and
`saving_hooks.py` hooks that write files; `scaffold.py` and `manager.py` prepare a session; `session.py` runs it. Start
with `session.py`; a new hook goes into `hooks.py`.
"""
