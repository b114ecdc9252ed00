"""Calls between the processes of a cluster that come and go, each at an address of its own: gRPC, with bytes as messages.

A server has methods of one service by name (`server.py`); a channel calls those of an address (`channel.py`). What the bytes mean is up to
who uses them: tasks of parameter servers (`distribute/cluster/tasks`) and the tf.data service.
"""
