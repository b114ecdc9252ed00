from penstock.keras.export import *
