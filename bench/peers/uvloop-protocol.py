"""A reverse server on uvloop: one thread, a Protocol for each client. Usage: uvloop-protocol.py chunk|line."""

import asyncio
import sys

import uvloop


class Chunks(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data[::-1])


class Lines(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
        self.rest = b""

    def data_received(self, data):
        lines = (self.rest + data).split(b"\n")
        self.rest = lines.pop()
        if lines:
            self.transport.write(b"".join([line[::-1] + b"\n" for line in lines]))


async def main():
    protocol = Lines if sys.argv[1:] == ["line"] else Chunks
    loop = asyncio.get_running_loop()
    server = await loop.create_server(protocol, "127.0.0.1", 0, backlog=4096)
    print(f"Server running on port {server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


uvloop.install()
asyncio.run(main())
