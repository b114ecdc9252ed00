"""What SavedModels hold, their signatures run on files or literals, and a search for operations: `penstock saved-model`."""
