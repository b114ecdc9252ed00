"""Notations of Slurm: `tensorflow.python.distribute.cluster_resolver.slurm_cluster_resolver`."""

from penstock._src.distribute.resolvers.slurm import expand_host_list as expand_hostlist
from penstock._src.distribute.resolvers.slurm import expand_tasks_per_node
