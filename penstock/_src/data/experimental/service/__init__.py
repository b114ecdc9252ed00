"""tf.data.experimental.service: pipelines that workers run, within this process.

A DispatchServer knows datasets and workers by its address; `distribute` makes datasets whose elements
the workers of an address produce. Servers of other processes are not reached. Start with `servers.py`.
"""
