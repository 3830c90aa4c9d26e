// Stock clients that join a room, as pages do. Prints one JSON line for everything that happens to one of them:
// {client, what, ...}. What they are to emit comes as JSON lines on stdin: {client, emit: [EVENT, ARGUMENT]}.
//
// usage: node rooms_client.js VERSION URL COUNT WHEN      (VERSION 2 | 4.6 | 4, WHEN always | once)
// always: `join` in the connect handler, so whenever that runs. once: at the first connect only.
"use strict";

const [version, url, count, when] = process.argv.slice(2);
const client = require(`socket.io-client-${version}`);
const io = client.io ?? client;
const TRANSPORTS = [["websocket"], ["polling", "websocket"], ["polling"]];

const clients = Array.from({ length: Number(count) }, (_, number) => {
  const socket = io(url, { transports: TRANSPORTS[number % TRANSPORTS.length], forceNew: true });
  const say = (what, more) => console.log(JSON.stringify({ client: number, what, ...more }));
  let joined = false;
  socket.on("connect", () => {
    say("connect", { recovered: Boolean(socket.recovered) });
    if (when === "always" || !joined) socket.emit("join", { room: "all" }, (answer) => say("join answered", { answer }));
    joined = true;
  });
  socket.on("disconnect", (reason) => say("disconnect", { reason }));
  for (const event of ["joined", "told", "whispered"]) socket.on(event, (data) => say(event, { data }));
  return { socket, say };
});

require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const { client: number, emit } = JSON.parse(line);
  const { socket, say } = clients[number];
  if (emit[0] === "barrier") socket.emit(...emit, () => say("barrier"));
  else socket.emit(...emit);
}).on("close", () => process.exit(0));
