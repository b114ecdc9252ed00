"""Batching of requests in model servers.

`batches.py` has the ops. Every request becomes its own batch: nothing waits for other requests.
"""
