from penstock.text import *
