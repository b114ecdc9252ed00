"""The formats: a valid sample of each, its reader, and what its errors may be."""

from tests.fuzz.files.formats import checkpoints, data, encoded, models
from tests.fuzz.files.formats.format import Format

FORMATS: dict[str, Format] = {
    made.name: made for module in (checkpoints, data, encoded, models) for made in module.FORMATS
}
