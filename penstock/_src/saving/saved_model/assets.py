"""The folder `assets` of a SavedModel: copies of the files that its program reads."""

import os

from penstock._src.filesystems import files
from penstock._src.filesystems.transaction import Transaction
from penstock._src.filesystems.whole import written_whole
from penstock._src.saving.saved_model import constants


class AssetFolder:
    """Copies files into the folder, each under its own name as far as that is free.

    Args:
      folder: the folder of the SavedModel.
      keeps: whether files that are there already stay as they are.
      transaction: which the files are part of; else each is there once it is copied.
    """

    def __init__(
        self, folder: str, keeps: bool = False, transaction: Transaction | None = None
    ) -> None:
        self.folder = os.path.join(folder, constants.ASSETS_DIRECTORY)
        self._keeps, self._transaction = keeps, transaction
        self._sources: dict[str, str] = {}  # by the name in the folder

    def add(self, path: str) -> str:
        """Copies a file, unless one of the same content is there under its name; returns the name."""
        base = name = os.path.basename(path)
        number = 0
        while name in self._sources and not self._is_same(path, self._sources[name]):
            number += 1
            name = f"{base}_{number}"
        if name not in self._sources:
            self._sources[name] = path
            files.make_folders(self.folder)
            target = os.path.join(self.folder, name)
            # A program may name a file that is not there yet: then only its name is saved, as in TensorFlow.
            if files.exists(path) and not (self._keeps and files.exists(target)):
                open_target = written_whole if self._transaction is None else self._transaction.open
                with open_target(target) as file:
                    files.copy_into(path, file)
        return name

    @staticmethod
    def _is_same(one: str, other: str) -> bool:
        if one == other:
            return True
        there = files.exists(one), files.exists(other)
        return files.read(one) == files.read(other) if all(there) else not any(there)
