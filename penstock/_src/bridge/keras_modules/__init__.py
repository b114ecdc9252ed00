"""Additions to modules of Keras 3 when they load on the stand-in: `hints.py` for mistakes in data, `saving.py` for files that
survive, `backup.py` for training that goes on where it was, `explaining.py` for what its steps compile to, `loss_scaling.py` for
replicas that skip a step together, `steps` for training steps that are traced once. `loader.py` has the table of the modules, and adds to it; Keras itself is not modified.
"""
