"""Training sessions of TensorFlow 1 that initialise, restore, save and log by themselves.

`hooks.py` says what may be done beside each step and `saving_hooks.py` what usually is; `scaffold.py` and
`manager.py` make a session ready; `session.py` runs it. Start with `session.py`.
"""
