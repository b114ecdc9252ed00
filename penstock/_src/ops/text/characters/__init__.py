"""Ops that see strings as characters. Read decoding.py first: many strings as one array, which the other files work on."""
