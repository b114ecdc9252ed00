"""Races: eight threads that use one object at the same moment, many times over.

Read rounds.py first; a race is a function of functions.py, variables.py, values.py or data.py that returns a `Round`.
`make races ROUNDS=10000` runs each race that often, `pytest tests/races` a few times.
"""
