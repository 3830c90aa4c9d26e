#!/usr/bin/python3
"""A real FastAPI app with a JSON websocket to put forestay in front of: Debian's packages, nothing changed.

    json_app.py ACCESS_LOG

It knows nothing of envelopes: /ws and /plain push as many numbered messages as they are asked for and say back what they
are told. Listens on a free port of 127.0.0.1 and prints {"port": N}. GET /seen says what happened to each connection.
uvicorn pings its websockets twice a second and gives up those that do not answer in a second.
"""
import asyncio
import json
import socket
import sys

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
seen = []  # one list per websocket, in order of their coming


@app.get("/seen")
def tell():
    return seen


async def push(ws, count, pause, binary):
    for n in range(1, count + 1):
        await (ws.send_bytes(b"%d" % n) if binary and n % 10 == 0 else ws.send_text(json.dumps({"n": n, "text": "hé" * (n % 7)})))
        if pause:
            await asyncio.sleep(pause)


@app.websocket("/ws")
@app.websocket("/plain")
async def talk(ws: WebSocket):
    await ws.accept()
    events = ["connect"]
    seen.append(events)
    tasks = []
    try:
        if "hello" in ws.query_params:
            await ws.send_json({"hello": len(seen)})
        while True:
            said = await ws.receive_json()
            events.append(said)
            if said.get("push"):
                tasks.append(asyncio.create_task(push(ws, said["push"], said.get("pause", 0), said.get("binary", False))))
            elif said.get("close"):
                await ws.close(said["close"])
                break
            else:
                await ws.send_json({"echo": said})
    except WebSocketDisconnect as end:
        events.append(f"disconnect {end.code}")
    finally:
        for task in tasks:
            task.cancel()


async def main():
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="warning", ws="websockets", ws_ping_interval=0.5, ws_ping_timeout=1.0)
    print(json.dumps({"port": listening.getsockname()[1]}), flush=True)
    await uvicorn.Server(config).serve(sockets=[listening])


if __name__ == "__main__":
    open(sys.argv[1], "w").close()
    asyncio.run(main())
