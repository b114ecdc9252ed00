from penstock.keras.layers import *
