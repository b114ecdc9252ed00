"""Ops on strings, which are arrays of bytes on the host.

Read basic.py first; elements.py applies a function of one string to all. re2/ matches regular expressions in RE2's syntax, unicode.py decodes and
encodes.
"""
