"""Servers, parameter servers, coordination and preemption, for programs that run as several processes.

`tasks/` is what `tf.distribute.Server` serves, `parameter_server/` the strategy and coordinator on top of it. Sessions reach their own process
only.
"""
