"""The image and the manifests of packaging/kubernetes, run: containers of a real runtime, with probes, limits and signals as a kubelet gives them.

manifests.py    what kustomize makes of the manifests, as records
containers.py   a pod's container as an OCI bundle, run by runc in namespaces of its own
pods.py         a pod's life: probes, restarts, preStop, SIGTERM, the grace period
proxy.py        haproxy before the pods
rollouts.py     a deployment's replicas, and rolling updates of them
autoscaler.py   decisions of an autoscaler, and the metrics API between it and prometheus.py
machine.py      the image, models, networks and proxy of a check
clients.py      clients that ask without pause and never twice
scenes.py       what is checked; `python -m tests.interop.kubernetes` runs all (docs/serving.md)
schemas/        the manifests beside Kubernetes' schemas, without running anything
"""
