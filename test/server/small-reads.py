"""Sends a message, reads the reply 1 KB at a time up to the end, and prints its length and SHA-256. Arguments: port, message."""

import hashlib
import socket
import sys

connection = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
connection.sendall(sys.argv[2].encode())
connection.shutdown(socket.SHUT_WR)
digest = hashlib.sha256()
length = 0
while piece := connection.recv(1024):
    digest.update(piece)
    length += len(piece)
print(length, digest.hexdigest(), flush=True)
