"""Files that Penstock writes and TensorFlow reads, and the other way round, with equal values: `make interop`.

pairs/ has a class for each kind of file: `write` makes it, `read` gives what is in it. worker.py runs them, once on TensorFlow and once
on Penstock, each in a process of its own environment; __main__.py passes the files between the two and compares the values (values.py).
"""
