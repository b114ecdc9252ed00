"""Collective ops for a process with one device: the sum over a group of one is the tensor itself."""
