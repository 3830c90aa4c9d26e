#!/usr/bin/python3
"""A knowledge base: JSON over a plain websocket, for the pack of that name (rules/packs/knowledge_base.yaml).

    knowledge_base.py [--port N] [--backlog N] [--every S] LOG

An ingestion of "12 documents" shows progress after each, one every S seconds, and one of "12 documents, stuck after 3" never
comes to an end. A query that says "takes 2" takes that many seconds. Binary messages are documents: their size comes back.
"""
import asyncio
import json
import re

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from serving import Log, read_options, serve

app = FastAPI()
options = read_options(every=3.0)
log = Log(options.log)


async def ingest(ws, request_id, source):
    documents = int(re.match(r"\d+", source)[0])
    stuck = re.search(r"stuck after (\d+)", source)
    for done in range(1, documents + 1):
        await asyncio.sleep(options.every)
        if stuck and done > int(stuck[1]):
            await asyncio.sleep(3600)
        if done < documents:
            await ws.send_json({"type": "progress", "request_id": request_id, "done": done, "of": documents})
    await ws.send_json({"type": "ingested", "request_id": request_id, "documents": documents})


async def query(ws, request_id, text):
    takes = re.search(r"takes ([\d.]+)", text)
    await asyncio.sleep(float(takes[1]) if takes else 0)
    if "fails" in text:
        await ws.send_json({"type": "error", "request_id": request_id, "message": "the index is broken"})
    else:
        await ws.send_json({"type": "results", "request_id": request_id, "results": [text.upper()]})


@app.websocket("/ws")
async def talk(ws: WebSocket):
    await ws.accept()
    log.heard(event="connect")
    tasks = []
    try:
        while True:
            message = await ws.receive()
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message.get("code", 1005))
            if message.get("bytes") is not None:
                log.heard(event="document", size=len(message["bytes"]))
                await ws.send_bytes(b"%d" % len(message["bytes"]))
                continue
            log.heard(event="message", text=message["text"])
            said = json.loads(message["text"])
            if said["type"] == "ingest":
                tasks.append(asyncio.create_task(ingest(ws, said["request_id"], said["source"])))
            elif said["type"] == "query":
                tasks.append(asyncio.create_task(query(ws, said["request_id"], said["text"])))
    except WebSocketDisconnect as end:
        log.heard(event="disconnect", code=end.code)
    finally:
        for task in tasks:
            task.cancel()


if __name__ == "__main__":
    serve(app, options)
