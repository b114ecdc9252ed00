from penstock.keras.activations import *
