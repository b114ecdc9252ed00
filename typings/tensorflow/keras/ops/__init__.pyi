from penstock.keras.ops import *
