"""An Explanation as one self-contained page: source lines, operations, primitives and kernels, linked both ways.

In: an Explanation. Out: HTML that loads nothing from elsewhere. Read elements.py first, which numbers the elements of the page and relates
them; then build.py, which writes it. layout.py draws the graph; page.css and page.js are included unchanged.
"""
