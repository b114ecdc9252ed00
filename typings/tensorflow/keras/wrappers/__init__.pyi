from penstock.keras.wrappers import *
