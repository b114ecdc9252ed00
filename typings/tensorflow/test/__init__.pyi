from penstock.test import *
