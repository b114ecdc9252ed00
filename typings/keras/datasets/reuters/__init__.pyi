from penstock.keras.datasets.reuters import *
