"""State of training that is divided among processes (ZeRO): each holds and updates a part.

`options.py` says how much is divided, `variables.py` has the variables, `updates.py` lets an optimizer's update run on parts.
"""
