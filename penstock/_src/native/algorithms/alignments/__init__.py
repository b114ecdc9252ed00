"""Alignments of sequences: edit distances, and all ways in which labels fit to the steps of a sequence (CTC).

In: sequences one after another with the begin of each. Read ctc.py first.
"""
