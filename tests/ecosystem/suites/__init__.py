"""The test suites of libraries written for TensorFlow, run with Penstock as `tensorflow`.

    python -m tests.ecosystem.suites NAME [--tensorflow PYTHON] [--only PART,...] [--out FOLDER]

`libraries.py` is the table: a row says what is installed, and which files hold tests. To add a library, add a row.
`environments.py` installs it, without TensorFlow, into an environment of its own; `running.py` runs the files, each in
a process with a time limit, and records every test in OUT/NAME.json; `comparison.py` counts what passes here of what
passes on TensorFlow, and groups the reasons of the rest. `child/` is loaded inside the tested interpreter only:
`suite_reports.py` reports test by test, `docstring_examples.py` makes tests of the statements of examples in docstrings,
for libraries that publish no tests.

With `--tensorflow PYTHON`, an interpreter that has TensorFlow, the same tests run there first, in a second environment
that sees its packages, and are recorded in OUT/NAME_tensorflow.json; without it an earlier record is read. Results have
the form of conformance/tf_suite: {"files": {file: {"seconds", "end", "tests": {name: outcome}}}}, where an outcome is
"passed", ["skipped", reason] or ["failed", reason, place].
"""
