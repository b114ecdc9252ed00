"""Training sessions of TensorFlow 1 that initialize, restore, save and log by themselves.

In: a graph and what is to be done beside its steps. Out: a session whose `run` does it.
`hooks.py` says what may be done beside each step and `saving_hooks.py` what usually is; `scaffold.py` and
`manager.py` make a session ready; `session.py` runs it. Start with `session.py`; a new hook goes to `hooks.py`.
"""
