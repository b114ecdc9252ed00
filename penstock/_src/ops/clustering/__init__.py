"""First centers of clusters, and the nearest centers of points.

`centers.py` has the ops: seeds for k-means, and the search. A new op on clusters goes there.
"""
