"""Clients that send what is no byte between their bytes. Usage: odd-bytes.py PORT UNIX_PATH; prints what went wrong."""
import array
import os
import socket
import sys
import time

ROUNDS = 40
PAUSES = (0, 0.0002, 0.002)


def line(connection):
    reply = b''
    while not reply.endswith(b'\n'):
        part = connection.recv(100)
        if not part:
            return reply + b'(closed)'
        reply += part
    return reply


def urgent(port, pause):
    with socket.create_connection(('127.0.0.1', port)) as connection:
        connection.settimeout(30)
        replies = []
        for _ in range(3):
            connection.sendall(b'abc')
            connection.send(b'!', socket.MSG_OOB)
            connection.sendall(b'def\n')
            time.sleep(pause)
            replies.append(line(connection))
        return replies == [b'fedcba\n'] * 3 or f'urgent data, pause {pause}: {replies}'


def descriptor(path, pause):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(30)
        connection.connect(path)
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [0]))]
        replies = []
        for _ in range(3):
            connection.sendall(b'abc')
            connection.sendmsg([b'-'], rights)
            connection.sendall(b'def\n')
            time.sleep(pause)
            replies.append(line(connection))
        return replies == [b'fed-cba\n'] * 3 or f'a descriptor, pause {pause}: {replies}'


def attempt(act, *parameters):
    try:
        return act(*parameters)
    except OSError as error:
        return f'{act.__name__} {parameters}: {error}'


port, path = int(sys.argv[1]), sys.argv[2]
results = [attempt(urgent, port, pause) for _ in range(ROUNDS) for pause in PAUSES]
if os.path.exists(path):
    results += [attempt(descriptor, path, pause) for _ in range(ROUNDS) for pause in PAUSES]
print('wrong:', [result for result in results if result is not True][:5])
