"""Input pipelines beside TensorFlow's: elements a second, peak memory, and whether the elements are equal.

`python -m bench.data [--only NAME,...] --tensorflow PYTHON` runs each pipeline of `cases/` in a process of its own, Penstock and
TensorFlow in turns, and prints a table. Without `--tensorflow` only Penstock runs. The files that pipelines read are made once
(`files.py`). A new pipeline is a function in `cases/`, marked `@case(...)`.
"""
