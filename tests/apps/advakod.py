#!/usr/bin/python3
"""Advakod: legal advice by chat, for the pack of that name (rules/packs/advakod.yaml).

    advakod.py [--port N] LOG

It answers at once, but not at all to "no answer"; "flood 100" gets that many notifications of 64 KB before the answer. POST
/notify?content=TEXT tells everybody.
"""
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from serving import Log, read_options, serve

app = FastAPI()
options = read_options()
log = Log(options.log)
clients = set()


@app.post("/notify")
async def notify(content: str):
    for ws in list(clients):
        await ws.send_json({"type": "notification", "content": content})
    return len(clients)


@app.websocket("/ws/chat")
async def talk(ws: WebSocket):
    await ws.accept()
    clients.add(ws)
    log.heard(event="connect")
    try:
        while True:
            said = await ws.receive_json()
            content = said.get("content", "")
            log.heard(event="message", type=said["type"], request_id=said.get("request_id"), size=len(content))
            if content.startswith("flood "):
                for _ in range(int(content.split()[1])):
                    await ws.send_json({"type": "notification", "content": "x" * 64_000})
            if content != "no answer":
                await ws.send_json({"type": "chat_response", "request_id": said.get("request_id"), "content": f"{len(content)} letters"})
    except WebSocketDisconnect as end:
        log.heard(event="disconnect", code=end.code)
    finally:
        clients.discard(ws)


if __name__ == "__main__":
    serve(app, options)
