from penstock.keras.tree import *
