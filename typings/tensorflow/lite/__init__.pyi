from penstock.lite import *
