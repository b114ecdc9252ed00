"""Models that Penstock writes, read and run by the programs that others wrote: `make interop WHICH=readers`.

models.py has the models, writing.py a function for each kind of file, reading.py one for each reader; table.py says which reader reads what. Each runs in
a process of its own environment (tests/interop/processes.py). A result is held to that of the model. Where a reader fails, it gets the same model from
TensorFlow: what it refuses of both is the reader's affair.
"""
