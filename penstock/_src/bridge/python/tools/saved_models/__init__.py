"""The content of SavedModels, runs of their signatures on files or literals, and a search for operations: `penstock saved-model`."""
