from penstock.keras.datasets.california_housing import *
