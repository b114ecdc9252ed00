"""Hash tables.

table_resources.py has the tables, tables.py their ops, reference.py those of TensorFlow 1, buckets.py says where keys stand in checkpoints of tables with open
addressing. positions.py has the op that finds elements among constant keys, without a resource.
"""
