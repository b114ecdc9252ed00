"""Hash tables.

tables.py has the ops and their resources, reference.py those of TensorFlow 1, buckets.py says where keys stand in checkpoints of tables with open
addressing. positions.py has the op that finds elements among constant keys, without a resource.
"""
