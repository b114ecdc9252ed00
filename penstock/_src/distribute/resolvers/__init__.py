"""tf.distribute.cluster_resolver: where the machines of a cluster are found.

In: environment variables, job schedulers, clients of clouds. Out: a ClusterSpec, this process's task
and the address to talk to. Start with `base.py`; a new source of clusters is a file here.
"""
