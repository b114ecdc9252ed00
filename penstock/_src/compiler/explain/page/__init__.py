"""An Explanation as one self-contained page: source lines, operations, primitives and kernels, linked both ways.

What comes in: an Explanation. What goes out: HTML without anything from outside. Read first: elements.py, which numbers
what is shown and says what belongs together; then build.py, which writes it. layout.py draws the graph; page.css and
page.js stand in the page as they are.
"""
