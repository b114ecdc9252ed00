from penstock.keras.applications.resnet_v2 import *
