"""Elastic jobs: the workers of a cluster change between steps, and the processes go on.

In: what workers and the launcher know (who is there, who is lost, how many are wanted). Out: numbered generations, each with its
members by rank. `membership.py` decides them, in the launcher; `member.py` is a worker's side; `transport.py` connects the members of one
generation. What a step is, and how its state is kept and handed on, is in `distribute/workers/elastic/`.
"""
