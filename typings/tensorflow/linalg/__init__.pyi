from penstock.linalg import *
