"""Runs a server whose log nobody takes, and says as JSON what came of it.

Usage: unread-log.py terminal|pipe|disk COMMAND... The command is that of a server whose service prints each line that it
is sent, and sends it back. `disk` needs to be root in a mount namespace of its own.
"""

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

# More than the server keeps: 3 MB.
MESSAGES = 3000
MESSAGE = b'x' * 999 + b'\n'
PATIENCE = 20


class Terminal:
    """A terminal that is read when somebody reads it here."""

    def __init__(self, command):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvp(command[0], command)

    def read(self):
        os.set_blocking(self.fd, False)
        try:
            return os.read(self.fd, 65536)
        except BlockingIOError:
            return b''

    def make_room(self):
        pass

    def fill(self):
        pass


class Pipe(Terminal):
    def __init__(self, command):
        self.fd, end = os.pipe()
        self.pid = subprocess.Popen(command, stdout=end, stderr=end).pid
        os.close(end)


class Disk(Terminal):
    """A log file on a disk with 16 MB, which something else fills."""

    def __init__(self, command):
        folder = tempfile.mkdtemp()
        subprocess.check_call(['mount', '-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', folder])
        self.rest = os.path.join(folder, 'rest')
        log = os.open(os.path.join(folder, 'log'), os.O_RDWR | os.O_CREAT)
        self.fd = os.open(os.path.join(folder, 'log'), os.O_RDONLY)
        self.pid = subprocess.Popen(command, stdout=log, stderr=log).pid

    def make_room(self):
        os.truncate(self.rest, 0)

    def fill(self):
        try:
            with open(self.rest, 'ab', buffering=0) as rest:
                while rest.write(b'x' * 4096):
                    pass
        except OSError:
            pass


def converse(port, messages):
    """Sends messages, as many at a time as fit, and counts the bytes of the replies."""
    with socket.create_connection(('127.0.0.1', port), timeout=PATIENCE) as client:
        count = 0
        for _ in range(messages // 50):
            client.sendall(MESSAGE * 50)
            missing = len(MESSAGE) * 50
            while missing > 0:
                data = client.recv(65536)
                if not data:
                    return count
                missing -= len(data)
                count += len(data)
        return count


def read_until(place, pattern, ask=lambda: None):
    """What is in the log up to `pattern`, and how long that took, in s; calls `ask` every 50 ms."""
    start = asked = time.monotonic()
    text = b''
    while time.monotonic() - start < PATIENCE:
        data = place.read()
        text += data
        if re.search(pattern, text[-65536 - 4096:]):
            return text, time.monotonic() - start
        if time.monotonic() - asked > 0.05:
            asked = time.monotonic()
            ask()
        if not data:
            time.sleep(0.005)
    return text, None


def seconds_to_end(pid):
    start = time.monotonic()
    while time.monotonic() - start < PATIENCE:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return time.monotonic() - start, os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    return None, None


def main(kind, command):
    place = {'terminal': Terminal, 'pipe': Pipe, 'disk': Disk}[kind](command)
    text, _ = read_until(place, rb'Server running on port \d+\s')
    port = int(re.search(rb'Server running on port (\d+)', text).group(1))
    place.fill()
    answered = converse(port, MESSAGES) // len(MESSAGE)
    place.make_room()
    with socket.create_connection(('127.0.0.1', port), timeout=PATIENCE) as client:
        text, again = read_until(place, rb'fresh', lambda: client.sendall(b'fresh\n'))
    missing = re.findall(rb'(\d+) lines are missing here', text)
    place.fill()
    answered += converse(port, MESSAGES) // len(MESSAGE)
    os.kill(place.pid, signal.SIGTERM)
    ended, status = seconds_to_end(place.pid)
    print(json.dumps({'answered': answered, 'asked': 2 * MESSAGES, 'again': again, 'missing': [int(n) for n in missing],
                      'kept': text.count(MESSAGE.strip()), 'ended': ended, 'status': status}))


main(sys.argv[1], sys.argv[2:])
