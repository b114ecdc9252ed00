"""Damaged files of every format that Penstock reads: each loads, or raises an error that says which file is wrong.

    python -m tests.fuzz.files --count 500                all formats, in worker processes
    python -m tests.fuzz.files --only png --seed 17       one case again, with its traceback

formats/ has a valid sample of each format and its reader, mutating.py damages one file of a sample, judging.py says what is a
finding, workers.py runs cases in processes that may die. corpus.jsonl has the damaged files of what was found; test_files.py
replays it.
"""
