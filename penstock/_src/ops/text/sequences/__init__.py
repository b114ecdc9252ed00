"""Ops on sequences of tokens and their scores: a file for each, independent of one another."""
