# Clients of a network that goes away: they send no end, and answer nothing any more.
# Usage: dark-peers.py PORT SILENT WAITING. WAITING of them have asked for a reply that comes half a second later.
import os
import socket
import sys

port, silent, waiting = map(int, sys.argv[1:])
peers = [socket.create_connection(("127.0.0.1", port)) for _ in range(silent + waiting)]
for peer in peers:
    peer.sendall(b"hello\n")
for peer in peers:
    assert peer.recv(100) == b"hello\n"
for peer in peers[silent:]:
    peer.sendall(b"later 500\n")
os.system("ip link set lo down")
print("dark", flush=True)
sys.stdin.read()
