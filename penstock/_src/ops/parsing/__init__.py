"""Ops that parse records into tensors."""
