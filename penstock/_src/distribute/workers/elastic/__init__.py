"""Elastic training: `MultiWorkerMirroredStrategy` in a job of `penstock launch --elastic`, whose workers change between steps.

`steps.py` numbers the steps, keeps the state of the last boundaries, and meets the others for a new generation; read it first. `state.py` holds,
restores and hands on the values of the strategy's variables, `feeds.py` divides batches among the workers that there are,
`extended.py` is what strategies do otherwise, and `loop.py` is the call for loops of one's own. Membership is `cluster/elastic`.

Every worker reads the whole dataset and takes its rows of each batch: so the sequence of batches does not depend on the number of workers,
and a batch whose step failed is at hand to be divided again. All say the checksum of their batch before a step.
"""
