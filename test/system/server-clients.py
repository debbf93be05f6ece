"""Clients written to the article's description, side by side: plain bytes, no newline, recv(1024). Arguments: port, clients."""

import socket
import sys
import threading

port, clients = int(sys.argv[1]), int(sys.argv[2])
together = threading.Barrier(clients)
wrong = []


def talk(number):
    message = f'hello from client {number}'
    connection = socket.create_connection(('127.0.0.1', port))
    together.wait()
    for _ in range(20):
        connection.send(message.encode())
        reply = connection.recv(1024).decode()
        if reply != message[::-1]:
            wrong.append((message, reply))
    connection.close()


threads = [threading.Thread(target=talk, args=(number,)) for number in range(clients)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print('wrong:', wrong, flush=True)
