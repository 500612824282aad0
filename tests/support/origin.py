#!/usr/bin/python3
"""A hostile origin: an HTTP/1.1 server whose behaviour is chosen by the URL.

    http://ADDRESS/BEHAVIOUR[,key=value...]/SIZE/NAME

The body of SIZE bytes is content.content(NAME, 0, SIZE). The behaviours stand
in origin_behaviours.py; README.md lists them. /__log gives every request so
far as JSON, /__reset forgets log and state.
"""

import argparse
import asyncio
import itertools
import json
import sys
import time

import content
import origin_behaviours
from origin_reply import Reply, Request


class BadRequest(Exception):
    """The client's bytes are not HTTP/1.1."""


class Origin:
    """The server's memory: what was asked and what the behaviours keep."""

    def __init__(self):
        self.connections = itertools.count(1)
        self.reset()

    def reset(self):
        self.log = []
        self.state = {}

    # -- one connection -------------------------------------------------------

    async def serve(self, reader, writer):
        """Answers requests until the connection or a behaviour ends it."""
        number = next(self.connections)
        client = writer.get_extra_info("peername")[0]
        try:
            while request := await read_request(reader, client):
                if not await self._answer(request, number, reader, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError, BadRequest):
            pass
        finally:
            writer.close()

    async def _answer(self, request, number, reader, writer) -> bool:
        entry = {
            "time": time.time(), "client": request.client,
            "connection": number, "method": request.method,
            "path": request.target, "headers": request.headers,
            "range": request.headers.get("range"), "status": None, "sent": 0,
        }
        internal = self._internal(request)
        if not internal:
            self.log.append(entry)
        reply = internal or origin_behaviours.choose(request, self.state)
        entry["status"] = reply.status
        if not reply.refuse_body:
            await read_body(request, reader, writer)
            reply.take_body(request.body)
        try:
            return await send(reply, request, writer, entry)
        finally:
            reply.done()

    def _internal(self, request):
        if request.target == "/__log":
            return Reply.json(self.log)
        if request.target == "/__reset":
            self.reset()
            return Reply.json({})
        return None


# -- reading ------------------------------------------------------------------


async def read_request(reader, client):
    """The next request without its body; None when the client is done."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as end:
        if end.partial:
            raise BadRequest("cut head") from None
        return None
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3:
        raise BadRequest(lines[0])
    headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        if name:
            headers[name.lower()] = value.strip()
    return Request(words[0], words[1], headers, client)


async def read_body(request, reader, writer):
    """Reads a request body by length or chunks, after 100 Continue."""
    headers = request.headers
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    if "chunked" in headers.get("transfer-encoding", "").lower():
        request.body = await read_chunks(reader)
    else:
        size = int(headers.get("content-length", "0"))
        request.body = await reader.readexactly(size)


async def read_chunks(reader) -> bytes:
    """A chunked body (RFC 9112, 7.1), without its trailers."""
    out = b""
    while True:
        line = await reader.readuntil(b"\r\n")
        size = int(line.split(b";")[0], 16)
        if size == 0:
            break
        out += await reader.readexactly(size)
        await reader.readexactly(2)
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass
    return out


# -- writing ------------------------------------------------------------------


async def send(reply, request, writer, entry) -> bool:
    """Writes a reply as its behaviour wants it; False ends the connection."""
    await asyncio.sleep(reply.head_wait)
    bodiless = request.method == "HEAD" or reply.status in (204, 304)
    if reply.raw:
        writer.write(reply.raw)
    elif not reply.headless:
        await send_head(reply, writer)
        if not bodiless:
            await send_body(reply, writer, entry)
    await writer.drain()
    if reply.cut == "stall" and not bodiless:
        await asyncio.sleep(3600)
    if reply.cut == "reset" and not bodiless:
        writer.transport.abort()
        return False
    closing = request.headers.get("connection", "").lower() == "close"
    return not (reply.cut or closing or reply.refuse_body
                or reply.framing == "close")


async def send_head(reply, writer):
    lines = [f"HTTP/1.1 {reply.status} {reply.reason}"]
    lines += [f"{name}: {value}" for name, value in reply.headers]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
    await writer.drain()


async def send_body(reply, writer, entry):
    await asyncio.sleep(reply.body_wait)
    for piece in reply.pieces():
        if reply.pace is not None:
            await asyncio.sleep(reply.pace.wait(len(piece)))
        await send_piece(reply, piece, writer)
        entry["sent"] += len(piece)
    if reply.framing == "chunked" and not reply.cut:
        writer.write(b"0\r\n\r\n")


async def send_piece(reply, piece, writer):
    """Writes one piece of a body at the reply's rate."""
    if reply.framing == "chunked":
        piece = b"%x\r\n%s\r\n" % (len(piece), piece)
    writer.write(piece)
    await writer.drain()
    if reply.rate:
        await asyncio.sleep(len(piece) / reply.rate)


# -- command line -------------------------------------------------------------


async def serve_forever(address: str, port: int):
    origin = Origin()
    server = await asyncio.start_server(origin.serve, address, port)
    bound = server.sockets[0].getsockname()
    print(json.dumps({"listening": f"{bound[0]}:{bound[1]}"}), flush=True)
    async with server:
        await server.serve_forever()


def arguments():
    """The command line, with a list of what a URL can ask for."""
    listed = "\n".join(f"  {name:20} {words}" for name, words
                       in origin_behaviours.descriptions().items())
    parser = argparse.ArgumentParser(
        description="A hostile HTTP origin. What it does is chosen by the URL:"
                    "\n/BEHAVIOUR[,option=value...]/SIZE/NAME",
        epilog="behaviours, with what options are when left out in brackets:"
               f"\n{listed}\n\noptions of every behaviour:\n"
               "  for=ADDRESS          only towards this client; others get"
               " range\n"
               "  group=G              counters are shared by all URLs of a"
               " group\n\nThe body is content.content(NAME, 0, SIZE). /__log"
               " gives all requests as JSON,\n/__reset forgets them and the"
               " counters.",
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listen", default="127.0.0.1:8080",
                        help="ADDRESS:PORT; port 0 takes a free one, which is"
                             " printed")
    parser.add_argument("--port", type=int, help="instead of --listen's port")
    parser.add_argument("--print-content", nargs=3,
                        metavar=("NAME", "START", "END"),
                        help="write bytes [START, END) of NAME and end")
    return parser.parse_args()


def main() -> int:
    wanted = arguments()
    if wanted.print_content:
        name, start, end = wanted.print_content
        for piece in content.pieces(name, int(start), int(end)):
            sys.stdout.buffer.write(piece)
        return 0
    address, _, port = wanted.listen.rpartition(":")
    port = int(port) if wanted.port is None else wanted.port
    try:
        asyncio.run(serve_forever(address, port))
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
