from penstock.keras.applications.resnet50 import *
