"""Rows and numbers put into groups: equal ones, parts, segments."""
