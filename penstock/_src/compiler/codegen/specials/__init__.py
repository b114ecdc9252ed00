"""Emitters of kinds that are no loop nests: their extents are run-time numbers, so each form is written once."""
