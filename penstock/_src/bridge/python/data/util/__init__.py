"""Counterparts of the helpers of the input pipeline."""
