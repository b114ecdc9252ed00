from penstock.keras.applications.resnet import *
