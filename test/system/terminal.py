"""Runs a command on a pseudo-terminal of its own: what comes on stdin is typed, what the terminal shows goes to stdout.

Each line of stdin is JSON: {"wait": text} waits until the terminal shows text (after what was waited for before),
{"type": text} types it, {"close": true} closes the terminal. Between waits nobody reads the terminal. Ends with the
command's exit status.
"""

import json
import os
import pty
import select
import sys

TIMEOUT = 60


def main():
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(sys.argv[1], sys.argv[1:])
    shown = b''
    for line in sys.stdin:
        step = json.loads(line)
        if 'type' in step:
            os.write(terminal, step['type'].encode())
            continue
        if 'close' in step:
            os.close(terminal)
            terminal = None
            continue
        wanted = step['wait'].encode()
        while wanted not in shown:
            data = read(terminal)
            if not data:
                fail(pid, f'never shown: {step["wait"]!r}; shown instead: {shown!r}')
            shown += data
        shown = shown.split(wanted, 1)[1]
    while terminal is not None and read(terminal):
        pass
    _, status = os.waitpid(pid, 0)
    sys.exit(os.waitstatus_to_exitcode(status))


def read(terminal):
    """What the terminal shows next; nothing once the command has ended, or after too long."""
    if not select.select([terminal], [], [], TIMEOUT)[0]:
        return b''
    try:
        data = os.read(terminal, 65536)
    except OSError:
        return b''
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
    return data


def fail(pid, message):
    os.kill(pid, 9)
    sys.exit(message)


main()
