// Stock clients, many in one process. What they do and see goes to a file, one JSON line each.
// usage: node client.js FACTS FIRST PORT,PORT,...    client FIRST + i connects to the i-th port
// Prints a line when all are connected. SIGUSR2: send nothing new; it ends by itself once nothing is open any more.
"use strict";

const fs = require("fs");
const path = require("path");
const { io } = require(path.join(__dirname, "../real/node_modules/socket.io-client-4"));

const [factsPath, first, ports] = [process.argv[2], Number(process.argv[3]), process.argv[4].split(",")];
const NOTE_EVERY_MS = 1000;
const ASK_EVERY_MS = 2000;
const ACK_TIMEOUT_MS = 15_000;   // more than the rules' 10 s
const QUIET_MS = 4000;           // nothing has come for so long, and nothing is awaited: it is over
const PATIENCE_MS = 17_000;      // nor after this long is anything awaited any more

const facts = fs.openSync(factsPath, "w");
const now = () => Number(process.hrtime.bigint() / 100_000n) / 10_000;  // CLOCK_MONOTONIC, as Python's time.monotonic()
const fact = (client, what, more) => fs.writeSync(facts, `${JSON.stringify({ what, t: now(), client, ...more })}\n`);
const every = (ms, body) => { const timer = setInterval(body, ms); timers.push(timer); };
const timers = [];
let awaited = 0;        // acks
const unanswered = new Set();
let last = now();       // when something was heard

const transportsOf = (number) => (number % 10 < 5 ? ["websocket"] : number % 10 < 8 ? ["polling", "websocket"] : ["polling"]);

function open(port, number) {
  // The library's own waits, but for the handshake: 20 s of a half-open one would be most of the run.
  const socket = io(`http://127.0.0.1:${port}`, { transports: transportsOf(number), forceNew: true, timeout: 5000 });
  let hellos = 0;
  socket.on("connect", () => {
    hellos += 1;
    fact(number, "connect", { sid: socket.id, recovered: Boolean(socket.recovered), n: hellos });
    socket.emit("hello", { client: number, n: hellos });
  });
  socket.on("disconnect", (reason) => fact(number, "disconnect", { reason }));
  socket.on("connect_error", (error) => fact(number, "refused", { text: error.message }));
  socket.on("push", ([life, n]) => { last = now(); fact(number, "push", { life, n }); });
  socket.on("answer", ({ id, late }) => {
    last = now();
    unanswered.delete(id);
    fact(number, "answer", { id, late: Boolean(late) });
  });
  return socket;
}

// As an app does it: whenever there is something to say. What cannot be sent yet the library keeps.
function talk(socket, number) {
  let notes = 0;
  let asks = 0;
  every(NOTE_EVERY_MS, () => {
    const n = (notes += 1);
    awaited += 1;
    fact(number, "note", { n });
    socket.timeout(ACK_TIMEOUT_MS).emit("note", { client: number, n }, (error, value) => {
      awaited -= 1;
      last = now();
      fact(number, "end", error ? { n, how: "error", text: error.message } : { n, how: value.lost ? "fallback" : "ack" });
    });
  });
  every(ASK_EVERY_MS, () => {
    const id = `${number}-${(asks += 1)}`;
    unanswered.add(id);
    fact(number, "ask", { id });
    socket.emit("ask", { id });
  });
}

function stop(sockets) {
  timers.forEach(clearInterval);
  const stopped = now();
  setInterval(() => {
    const open = awaited > 0 || unanswered.size > 0;
    if ((now() - last) * 1000 < QUIET_MS || (open && (now() - stopped) * 1000 < PATIENCE_MS)) return;
    sockets.forEach((socket) => socket.off("disconnect").disconnect());
    setTimeout(() => process.exit(0), 200);
  }, 250);
}

const sockets = ports.map((port, i) => open(port, first + i));
process.on("SIGUSR2", () => stop(sockets));
const started = now();
const waiting = setInterval(() => {
  const missing = sockets.filter((socket) => !socket.connected).length;
  if (missing > 0) {
    if (now() - started < 40) return;
    console.error(`${missing} clients are not connected after 40 s`);
    process.exit(1);
  }
  clearInterval(waiting);
  sockets.forEach((socket, i) => setTimeout(() => talk(socket, first + i), (i / sockets.length) * NOTE_EVERY_MS));
  console.log("{}");
}, 100);
