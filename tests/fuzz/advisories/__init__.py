"""Inputs that took TensorFlow down, written from its published security advisories: each has to be refused, or computed.

`cases/` has them by family; case.py says what a case is, worker.py runs them in a process that may die, judging.py says what is a finding.
`python -m tests.fuzz.advisories` runs all; with `--page` it writes docs/advisories.md, `--theirs FILE` beside what TensorFlow did.
"""
