"""Batching: requests for one function are joined along the first axis, computed together, and split again.

In: requests, each with arrays for a signature's inputs. Out: arrays of its outputs for each. `request.py` has the record, `parameters.py`
the limits, `queue.py` what waits for a signature, `joining.py` which requests may be joined, `execution.py` runs a batch, `scheduler.py` the threads that run
queues in turn. `pace.py` knows which batches are so quick that the thread of a request computes them itself.
"""
