"""Sorts of lines, and the first elements of sorted lines. Read sort.py first, sorting.py has the keys that the others share."""
