"""Draws recipes: `recipe_of(keras, seed)`.

drawing.py keeps what is drawn so far; each other file adds layers of some families; training.py draws the rest.
"""

from tests.fuzz.models.drawing.model import recipe_of

__all__ = ["recipe_of"]
