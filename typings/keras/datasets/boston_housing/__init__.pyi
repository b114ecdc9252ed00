from penstock.keras.datasets.boston_housing import *
