#!/usr/bin/python3
"""An AI council: several models discuss a question, for the pack of that name (rules/packs/ai_council.yaml).

    ai_council.py [--port N] [--every S] LOG

Each of three members says an opinion, one every S seconds, then comes the verdict; the question "deadlock" gets opinions and
no verdict. It knows nothing of acknowledgements, heartbeats and reconnections.
"""
import asyncio
import time

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from serving import Log, read_options, serve

app = FastAPI()
options = read_options(every=0.3)
log = Log(options.log)


async def discuss(ws, message_id, text):
    async def say(kind, **data):
        await ws.send_json({"type": kind, "timestamp": time.time(), "data": {"in_reply_to": message_id, **data}})
    for member in ("Athena", "Solon", "Hypatia"):
        await asyncio.sleep(options.every)
        await say("opinion", member=member, text=f"{member} on: {text}")
    await asyncio.sleep(3600 if text == "deadlock" else options.every)
    await say("verdict", text=f"Decided: {text}")


@app.websocket("/ws/{request_id}")
async def talk(ws: WebSocket, request_id: str):
    await ws.accept()
    log.heard(event="connect", request_id=request_id, user=ws.headers.get("x-council-user"))
    tasks = []
    try:
        while True:
            said = await ws.receive_json()
            log.heard(event="message", request_id=request_id, message=said)
            if said["type"] == "question":
                tasks.append(asyncio.create_task(discuss(ws, said["message_id"], said["data"]["text"])))
    except WebSocketDisconnect as end:
        log.heard(event="disconnect", request_id=request_id, code=end.code)
    finally:
        for task in tasks:
            task.cancel()


if __name__ == "__main__":
    serve(app, options)
