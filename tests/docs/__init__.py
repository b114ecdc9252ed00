"""The pages of docs/ and the README: their programs run and print what is shown, their links lead somewhere, generated pages are fresh.

`make docs-test` (`python -m tests.docs`) runs the programs of all pages; the tests run those of the quick ones.
"""
