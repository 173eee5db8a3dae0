"""Serves one WSGI application on loopback.

usage: serve.py PORT MODULE   (MODULE has an `application`)
"""

import importlib
import sys

import sqlalchemy.orm
import waitress

import loopback
import tokens

port, module = sys.argv[1:]
sys.argv[1:] = []  # some applications parse what is left
tokens.allow_short_ones()
application = importlib.import_module(module).application
# Neutron's first request may need relations that its first query would set up.
sqlalchemy.orm.configure_mappers()
waitress.serve(application, sockets=[loopback.bind(int(port))], threads=8)
