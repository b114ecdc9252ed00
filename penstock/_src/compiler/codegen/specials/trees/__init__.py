"""Sums of leaves of decision trees: by masks of leaves for vectors of rows, or by paths of several rows side by side. Layouts: ir/meaning/trees.py."""
