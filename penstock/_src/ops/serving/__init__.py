"""Batching of requests, as servers of models do it.

`batches.py` has the ops. Every request makes a batch of its own: nothing waits for other requests.
"""
