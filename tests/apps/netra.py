#!/usr/bin/python3
"""Netra: agents that stream what they think, for the pack of that name (rules/packs/netra.yaml).

    netra.py [--port N] LOG

The answer comes in chunks, a word each, one every 0.1 seconds. "no answer" gets none; at the word "break" the agent stops for
good. It believes the header X-Netra-User: whoever reaches it has been let in.
"""
import asyncio

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from serving import Log, read_options, serve

app = FastAPI()
options = read_options()
log = Log(options.log)


async def answer(ws, message_id, text):
    await ws.send_json({"type": "agent_started", "id": message_id, "payload": {}})
    words = text.split()
    for word in words:
        await asyncio.sleep(0.1)
        if word == "break" or text == "no answer":
            await asyncio.sleep(3600)
        await ws.send_json({"type": "agent_chunk", "id": message_id, "payload": {"text": word}})
    await ws.send_json({"type": "agent_completed", "id": message_id, "payload": {"text": " ".join(reversed(words))}})


@app.websocket("/ws")
async def talk(ws: WebSocket):
    offered = ws.scope.get("subprotocols", [])
    log.heard(event="connect", user=ws.headers.get("x-netra-user"), offered=offered, query=str(ws.query_params))
    await ws.accept(subprotocol=offered[0] if offered else None)
    running = {}
    try:
        while True:
            said = await ws.receive_json()
            log.heard(event="message", user=ws.headers.get("x-netra-user"), message=said)
            if said["type"] == "user_message":
                running[said["id"]] = asyncio.create_task(answer(ws, said["id"], said["payload"]["text"]))
            elif said["type"] == "stop_agent" and said["id"] in running:
                running.pop(said["id"]).cancel()
                await ws.send_json({"type": "agent_completed", "id": said["id"], "payload": {"text": "", "stopped": True}})
    except WebSocketDisconnect as end:
        log.heard(event="disconnect", code=end.code)
    finally:
        for task in running.values():
            task.cancel()


if __name__ == "__main__":
    serve(app, options)
