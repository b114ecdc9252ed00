from penstock.language import *
