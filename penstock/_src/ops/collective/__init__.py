"""Collective ops among the devices of a process that has one: the sum over a group of one is the tensor."""
