"""tf.distribute.cluster_resolver: finds the machines of a cluster.

In: environment variables, job schedulers, cloud clients. Out: a ClusterSpec, this process's task
and the address of the master. Start with `base.py`; each source of clusters has its own file.
"""
