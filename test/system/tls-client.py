"""A client with Python's own ssl: says each argument, shows each reply, and shuts TLS down in order."""
import socket
import ssl
import sys

port, authority, *messages = sys.argv[1:]
context = ssl.create_default_context(cafile=authority)
with socket.create_connection(("127.0.0.1", int(port))) as plain:
    with context.wrap_socket(plain, server_hostname="server") as client:
        for message in messages:
            client.sendall(message.encode())
            print(client.version(), client.recv(65536).decode())
        client.unwrap()
print("done")
