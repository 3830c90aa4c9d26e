// The upstream for the oldest clients: npm's socket.io 2.x, which speaks Engine.IO 3. It knows the events of app.py that
// the matrix uses, and rooms_app.py's rooms. Listens on PORT of 127.0.0.1, or a free one, and prints {"port": N}.
// usage: node eio3_server.js [LOGFILE [PORT]]
"use strict";

const fs = require("fs");
const http = require("http");
const socketio = require("socket.io-2");

const [log, port] = process.argv.slice(2);
const seen = new Map();  // tag -> what happened

const server = http.createServer((request, response) => {
  const url = new URL(request.url, "http://app");
  if (url.pathname === "/seen") {
    response.setHeader("Content-Type", "application/json");
    return response.end(JSON.stringify(seen.get(url.searchParams.get("tag")) ?? []));
  }
  if (url.pathname === "/members") {
    response.setHeader("Content-Type", "application/json");
    return response.end(JSON.stringify(io.of("/").adapter.rooms[url.searchParams.get("room")]?.length ?? 0));
  }
  if (url.pathname === "/tell") io.to(url.searchParams.get("room")).emit("told", Number(url.searchParams.get("number")));
  return response.end("front page\n");
});
const io = socketio(server, { maxHttpBufferSize: 1e6, pingInterval: 3000, pingTimeout: 2000 });

for (const nsp of ["/", "/custom"]) {
  io.of(nsp).on("connection", (socket) => {
    const { query, headers, address } = socket.handshake;
    const record = (what) => {
      const tag = query.tag ?? "";
      if (!seen.has(tag)) seen.set(tag, []);
      seen.get(tag).push(what);
    };
    record({ what: "connect", namespace: nsp, sid: socket.id });
    socket.on("disconnect", () => record({ what: "disconnect", namespace: nsp, sid: socket.id }));
    socket.on("echo", (...args) => socket.emit("echo", ...args));
    socket.on("ack", (...args) => args.pop()(...args));
    socket.on("binary", (data, ack) => {
      const reversed = Buffer.from(data).reverse();
      socket.emit("binary", { reversed, length: data.length });
      ack(reversed);
    });
    socket.on("broadcast", (data) => io.of(nsp).emit("broadcast", data));
    socket.on("numbers", (count) => { for (let number = 0; number < count; number += 1) socket.emit("number", number); });
    socket.on("number", (number) => record({ what: "number", number }));
    socket.on("join", ({ room }, ack) => socket.join(room, () => {
      socket.emit("joined", { room, sid: socket.id });
      ack({ room });
    }));
    socket.on("barrier", (_, ack) => ack("passed"));
    socket.on("leave_me", () => socket.disconnect());
    socket.on("whoami", (_, ack) => {
      const cookies = Object.fromEntries((headers.cookie ?? "").split("; ").filter(Boolean).map((pair) => pair.split("=")));
      const named = Object.fromEntries(Object.entries(headers).map(([name, value]) =>
        [name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase()), value]));
      ack({ cookies, query, headers: named, address, host: headers.host, scheme: "http", namespace: nsp, sid: socket.id });
    });
  });
}

if (log) {
  // Before socket.io's own listeners, so that a request is written down when it is heard.
  const write = (request) => fs.appendFileSync(log, JSON.stringify({ PATH_INFO: request.url }) + "\n");
  server.prependListener("request", write);
  server.prependListener("upgrade", write);
}
server.listen(Number(port ?? 0), "127.0.0.1", () => console.log(JSON.stringify({ port: server.address().port, pid: process.pid })));
