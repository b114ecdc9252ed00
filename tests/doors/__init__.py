"""What a new user does: README.md line by line.

`readme.py` reads the page, `test_readme.py` runs its programs here, and `python -m tests.doors.five_minutes` runs all of it in a fresh environment.
"""
