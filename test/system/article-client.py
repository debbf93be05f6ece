"""A client written to the article's description: no newline, recv(1024). Arguments: port, messages."""

import socket
import sys

connection = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
for message in sys.argv[2:]:
    connection.send(message.encode())
    print('Received from server:', connection.recv(1024).decode(), flush=True)
connection.close()
