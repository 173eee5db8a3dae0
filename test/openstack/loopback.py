"""Ports on loopback that stay free for this testbed, also while their service is down."""

import socket

HOST = '127.0.0.1'


def reserve(names):
    """Binds a free port for each name, without listening: whoever connects is refused
    until the service itself listens there. The sockets hold the ports."""
    return {name: bind(0) for name in names}


def bind(port):
    # Both sides share the port, the one that reserves it and the one that listens.
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    one.bind((HOST, port))
    return one


def port_of(one):
    return one.getsockname()[1]
