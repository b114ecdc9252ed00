"""Sums of leaves of decision trees: by masks of leaves, for many rows at once, or by paths of rows side by side. The arrangements: ir/meaning/trees.py."""
