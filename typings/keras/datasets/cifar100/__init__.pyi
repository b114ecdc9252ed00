from penstock.keras.datasets.cifar100 import *
