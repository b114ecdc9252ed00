"""A server under clients that mean it ill, in its own process.

`cases.py` makes a case of a seed: a damaged request of REST or gRPC, or bytes that are no request, by `mutating.py`. `served.py` has the models and the
server's process, `asking.py` sends cases and judges what comes back, `others.py` has the clients beside: correct ones, which are timed, and slow ones.
`python -m tests.fuzz.serving` puts them together; `trials.py` kills workers and changes versions under load.
"""
