"""Cells of recurrent networks as single ops: LSTM (Hochreiter & Schmidhuber 1997) and GRU (Cho et al. 2014)."""
