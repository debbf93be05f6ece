"""Plays systemd for a server: opens its sockets, starts it with them, and takes its notices.

Usage: service-manager.py UNIX_PATH NOTIFY_SOCKET WATCHDOG_USEC COMMAND...
Says the port and then each notice, and each reply, on a line. Its input says what to do:
  start            starts the command with a TCP socket and a Unix socket, as fds 3 and 4
  start-for PID    the same, but the sockets are said to be for process PID
  connect          connects to the port and sends "hello"
  reply            says what has come back on that connection
  signal NAME      sends the process a signal, such as HUP
"""
import os
import signal
import socket
import subprocess
import sys
import threading

unix_path, notify_name, watchdog, *command = sys.argv[1:]


def listening(family, address, number):
    """Opens a socket that has, here already, the number that it will have in the process."""
    opened = socket.socket(family, socket.SOCK_STREAM)
    opened.bind(address)
    opened.listen(16)
    if opened.fileno() != number:
        os.dup2(opened.fileno(), number)
        opened.close()
        return socket.socket(fileno=number)
    return opened


sockets = [listening(socket.AF_INET, ("127.0.0.1", 0), 3), listening(socket.AF_UNIX, unix_path, 4)]
port = sockets[0].getsockname()[1]
notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notices.bind(notify_name.replace("@", "\0", 1) if notify_name.startswith("@") else notify_name)


def say(text):
    # In one call: threads say things at the same time.
    os.write(1, (text + "\n").encode())


def take_notices():
    while True:
        say("notice " + notices.recv(4096).decode().replace("\n", " "))


def start(pid="$$"):
    # Only the process itself knows its number, and only a shell can say it without running Python after a fork.
    shell = f'export LISTEN_PID={pid} WATCHDOG_PID=$$; exec "$@"'
    environment = {
        **os.environ,
        "LISTEN_FDS": "2",
        "LISTEN_FDNAMES": "tcp:unix",
        "NOTIFY_SOCKET": notify_name,
        "WATCHDOG_USEC": watchdog,
    }
    child = subprocess.Popen(["sh", "-c", shell, "sh", *command], env=environment, pass_fds=(3, 4))
    threading.Thread(target=lambda: say(f"ended {child.wait()}"), daemon=True).start()
    return child


say(f"port {port}")
threading.Thread(target=take_notices, daemon=True).start()
child = None
client = None
try:
    for line in sys.stdin:
        what, *rest = line.split()
        if what == "start":
            child = start()
        elif what == "start-for":
            child = start(rest[0])
        elif what == "connect":
            client = socket.create_connection(("127.0.0.1", port), timeout=90)
            client.sendall(b"hello")
        elif what == "reply":
            say("reply " + client.recv(100).decode())
        elif what == "signal":
            child.send_signal(signal.Signals["SIG" + rest[0]])
finally:
    if child is not None:
        child.kill()
