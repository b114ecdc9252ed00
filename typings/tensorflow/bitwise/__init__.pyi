from penstock.bitwise import *
