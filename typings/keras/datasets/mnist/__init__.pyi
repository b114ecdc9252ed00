from penstock.keras.datasets.mnist import *
