"""Python's websockets, told what to do by lines of JSON and by the messages
that it gets."""

import asyncio
import http
import json
import sys
from urllib.parse import urlsplit

import websockets
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    ServerPerMessageDeflateFactory,
)

NAMES = {
    "serverNoContextTakeover": "server_no_context_takeover",
    "clientNoContextTakeover": "client_no_context_takeover",
    "serverMaxWindowBits": "server_max_window_bits",
    "clientMaxWindowBits": "client_max_window_bits",
}
BODY = "Who are you?"


def tell(**what):
    print(json.dumps(what), flush=True)


def compression(deflate, factory):
    """Off, as it is by default, or with parameters."""
    if deflate is False:
        return {"compression": None}
    if deflate is True:
        return {}
    settings = {NAMES[name]: value for name, value in deflate.items()}
    return {"compression": None, "extensions": [factory(**settings)]}


async def echo(socket, data, size):
    if size == 0:
        return await socket.send(data)
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    pieces.append(data[:0])
    await socket.send(pieces)


async def obey(socket, token):
    """Echoes, but for messages that begin with "!", which are commands."""
    size = 0
    try:
        async for data in socket:
            if not (isinstance(data, str) and data.startswith("!")):
                await echo(socket, data, size)
                continue
            name, *values = data[1:].split(" ")
            if name == "fragments":
                size = int(values[0])
            elif name == "ping":
                await (await socket.ping(values[0]))
                await socket.send(f"pong {values[0]}")
            elif name == "close" and values:
                await socket.close(int(values[0]), " ".join(values[1:]))
            elif name == "close":
                await socket.close()
            elif name == "abort":
                socket.transport.abort()
    except websockets.ConnectionClosed:
        pass
    await socket.wait_closed()
    tell(closed=token, code=socket.close_code, reason=socket.close_reason or "")


def refuse(first, second):
    """Says no, in the way of either generation of the package."""
    if isinstance(first, str):
        if first == "/refuse":
            return http.HTTPStatus.UNAUTHORIZED, [], BODY.encode()
    elif second.path == "/refuse":
        return first.respond(http.HTTPStatus.UNAUTHORIZED, BODY)
    return None


def path_of(socket):
    request = getattr(socket, "request", None)
    return request.path if request else socket.path


async def listen(id, deflate, protocols):
    server = await websockets.serve(
        lambda socket: obey(socket, path_of(socket)),
        "127.0.0.1",
        0,
        subprotocols=protocols or None,
        process_request=refuse,
        max_size=None,
        **compression(deflate, ServerPerMessageDeflateFactory),
    )
    tell(id=id, port=server.sockets[0].getsockname()[1])


async def connect(id, url, deflate, protocols):
    try:
        socket = await websockets.connect(
            url,
            subprotocols=protocols or None,
            max_size=None,
            **compression(deflate, ClientPerMessageDeflateFactory),
        )
    except websockets.InvalidHandshake as error:
        response = getattr(error, "response", error)
        tell(id=id, refused={"status": response.status_code})
        return
    extensions = getattr(socket, "extensions", None)
    if extensions is None:
        extensions = socket.protocol.extensions
    tell(
        id=id,
        protocol=socket.subprotocol or "",
        extensions=", ".join(str(each) for each in extensions),
    )
    await obey(socket, urlsplit(url).path)


async def main():
    loop = asyncio.get_running_loop()
    tasks = set()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        question = json.loads(line)
        do = {"listen": listen, "connect": connect}[question.pop("do")]
        tasks.add(asyncio.ensure_future(do(**question)))
    for task in tasks:
        task.cancel()


asyncio.run(main())
