"""WebSockets through the proxy, both ways that clients have: by CONNECT, as
browsers do, and by an upgrade of the proxied request itself (RFC 6455)."""

import asyncio
import contextlib
import os
import threading

import pytest
from local import LocalDaemon, request
from websockets import client as protocol
from websockets import connect, serve
from websockets.connection import State
from websockets.uri import parse_uri


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    with LocalDaemon(tmp_path_factory.mktemp("websocket")) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def echo():
    """A WebSocket server that gives messages back; its port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def talk(socket):
        async for message in socket:
            await socket.send(message)

    async def begin():
        return await serve(talk, "127.0.0.1", 0, max_size=None)
    server = asyncio.run_coroutine_threadsafe(begin(), loop).result()
    yield server.sockets[0].getsockname()[1]
    server.close()
    asyncio.run_coroutine_threadsafe(server.wait_closed(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()


MESSAGES = ["hello", b"", os.urandom(70_000), "\U0001FADB" * 1000,
            os.urandom(2_000_000)]


def test_messages_go_both_ways_through_a_tunnel(proxy, echo):
    client = proxy.connect()
    client.sendall(request("CONNECT", f"127.0.0.1:{echo}"))
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += client.recv(1)
    assert head.startswith(b"HTTP/1.1 200 ")
    client.setblocking(False)

    async def talk():
        async with connect(f"ws://127.0.0.1:{echo}/", sock=client,
                           max_size=None) as socket:
            for message in MESSAGES:
                await socket.send(message)
                assert await socket.recv() == message
    asyncio.run(asyncio.wait_for(talk(), 20))


def test_messages_go_both_ways_through_an_upgrade(proxy, echo):
    url = f"ws://127.0.0.1:{echo}/"
    talk = protocol.ClientConnection(parse_uri(url), max_size=None)
    opening = talk.connect()
    opening.path = f"http://127.0.0.1:{echo}/"
    talk.send_request(opening)
    with contextlib.closing(proxy.connect()) as client:
        def flush():
            for data in talk.data_to_send():
                client.sendall(data)

        def receive():
            """The next event of the connection."""
            while not (events := talk.events_received()):
                data = client.recv(65536)
                assert data, "the connection has ended"
                talk.receive_data(data)
            return events
        flush()
        answer, = receive()
        assert answer.status_code == 101
        assert talk.state is State.OPEN
        for message in MESSAGES:
            if isinstance(message, str):
                talk.send_text(message.encode())
            else:
                talk.send_binary(message)
            flush()
            got = b"".join(frame.data for frame in receive())
            wanted = message.encode() if isinstance(message, str) else message
            assert got == wanted
        talk.send_close(1000)
        flush()
        receive()
        assert client.recv(1) == b"" or talk.state is not State.OPEN


def test_a_refused_upgrade_is_an_ordinary_answer(proxy, echo):
    raw = (f"GET http://127.0.0.1:{echo}/ HTTP/1.1\r\nHost: x\r\n"
           "Connection: Upgrade, close\r\nUpgrade: websocket\r\n"
           "Sec-WebSocket-Version: 1\r\n\r\n")
    out = proxy.exchange(raw.encode(), end=False)
    assert out.startswith(b"HTTP/1.1 4")
    assert out.count(b"HTTP/1.1 ") == 1
