"""Servers, coordination and preemption: what programs over several processes call.

What one process can do is done; talking to other processes raises UnimplementedError.
"""
