"""Graph models: frozen graphs, with their constants beside them."""
