from penstock.keras.datasets import *
