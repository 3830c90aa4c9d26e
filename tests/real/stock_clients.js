// Stock socket.io-client 4 clients that do what they are told: one JSON object a line on standard input, and one line on
// standard output for each thing that happens to them. Each has a name.
//
//   {"do": "open", "name", "url", "options"}          {"do": "emit", "name", "args": [event, ...]}
//   {"do": "ask", "name", "args": [event, ...]}       emit with a callback: {"what": "ack", "args"}
//   {"do": "cut", "name"}                             its connection breaks without a goodbye
//   {"do": "leave", "name"}                           disconnect()
//   {"do": "sleep", "ms"}                             this process does nothing at all meanwhile, not even answer pings
"use strict";

const readline = require("readline");
const { io } = require("socket.io-client-4");

const clients = new Map();
const tell = (name, what, more) => process.stdout.write(`${JSON.stringify({ name, what, ...more })}\n`);

function open({ name, url, options }) {
  const socket = io(url, { forceNew: true, reconnectionDelay: 50, reconnectionDelayMax: 200, ...options });
  clients.set(name, socket);
  socket.on("connect", () => tell(name, "connect", { sid: socket.id, recovered: socket.recovered }));
  socket.on("disconnect", (reason) => tell(name, "disconnect", { reason }));
  socket.on("connect_error", (error) => tell(name, "connect_error", { message: error.message, active: socket.active }));
  socket.onAny((event, ...args) => { if (!event.startsWith("\0")) tell(name, "event", { event, args }); });
}

const actions = {
  open,
  emit: ({ name, args }) => clients.get(name).emit(...args),
  ask: ({ name, args }) => clients.get(name).emit(...args, (...values) => tell(name, "ack", { args: values })),
  cut: ({ name }) => clients.get(name).io.engine.transport.ws.terminate(),
  leave: ({ name }) => clients.get(name).disconnect(),
  sleep: ({ ms }) => { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms); tell("", "awake", {}); },
};

readline.createInterface({ input: process.stdin })
  .on("line", (line) => { const order = JSON.parse(line); actions[order.do](order); })
  .on("close", () => process.exit(0));
