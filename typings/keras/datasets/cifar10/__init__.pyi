from penstock.keras.datasets.cifar10 import *
