"""Batches of elements that differ in shape: padded, ragged or sparse, and grouped by their lengths."""
