"""Mutation testing: small changes of the compiler, each of which some test must notice.

    python -m tests.mutation --only ir/rules --sample 200

In: the files of a folder of `penstock/_src`, and which tests execute which of their lines (`recording.py`). Out: for each folder the share of
mutants that tests killed, and the mutants that survived. `mutants.py` makes them, `running.py` runs tests on them; docs/testing.md has
the figures. Tools such as mutmut do not suit: rules are lambdas in tables, which they leave alone.
"""
