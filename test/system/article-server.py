"""A threaded TCP server written to the article's description: a thread a client, recv(1024), reversed."""

import socket
import sys
import threading


def serve(connection, address):
    while True:
        data = connection.recv(1024)
        if not data:
            print('Bye:', address[0], ':', address[1], flush=True)
            break
        connection.send(data[::-1])
    connection.close()


def main():
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(('127.0.0.1', int(sys.argv[1]) if len(sys.argv) > 1 else 0))
    listener.listen(5)
    print(listener.getsockname()[1], flush=True)
    while True:
        connection, address = listener.accept()
        print('Connected to:', address[0], ':', address[1], flush=True)
        threading.Thread(target=serve, args=(connection, address), daemon=True).start()


main()
