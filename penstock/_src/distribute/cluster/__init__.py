"""Servers, coordination and preemption, for programs that run as several processes.

Everything that one process can do is implemented; communication with other processes raises UnimplementedError.
"""
