from penstock.keras.utils.bounding_boxes import *
