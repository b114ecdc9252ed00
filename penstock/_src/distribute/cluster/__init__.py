"""Servers, parameter servers, coordination and preemption, for programs that run as several processes.

`tasks/` is what `tf.distribute.Server` serves, `parameter_server/` the strategy and coordinator on top of it; sessions of other processes are
`v1/graphs/remote/`.
"""
