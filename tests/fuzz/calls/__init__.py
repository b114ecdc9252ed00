"""Calls of every raw op and public function with valid, nearly valid and absurd arguments.

    make fuzz WHICH=calls MINUTES=10                     draws for a while, in worker processes
    make fuzz WHICH=calls SEED=7 ONLY="Conv2D"           one case again, with its traceback
    python -m tests.fuzz.calls --tensorflow PYTHON also asks the TensorFlow of that Python

A call gives a result, the same eagerly, interpreted and compiled (and as TensorFlow's), or an error of tf.errors, or a TypeError or
ValueError that Penstock raises itself; it takes no longer than SECONDS and no more memory than its sizes ask for.

call.py         a call as data, with JSON for its file
resources.py    variables, tables, queues, datasets ... for ops that take handles
recording.py    writes recorded.json.gz: valid calls that our own tests make
drawing.py      changes a valid call, in a few places
running.py      runs a call in all ways
judging.py      says what is a finding
shrinking.py    takes back what does not matter for a finding
peer.py         runs calls on TensorFlow
natively.py     calls of public functions that native code makes whole, beside Python's
worker.py       draws and runs one after another; __main__.py starts workers and reports
corpus.jsonl    what was found; test_calls.py replays it
"""
