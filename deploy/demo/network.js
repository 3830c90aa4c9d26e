// The network between the demo's clients and what they talk to: a TCP relay that can be cut. It knows nothing of what goes
// through it. usage: node network.js CONTROL_PORT LISTEN_PORT:TARGET_PORT...
//
// POST /cut?seconds=N to the control port is a phone that changes its network: the client's own system ends its connections
// at once, the server hears nothing of it and goes on talking to a connection that leads nowhere, and for N seconds nobody
// gets through.
"use strict";

const http = require("http");
const net = require("net");

const [controlPort, ...relays] = process.argv.slice(2);
const HALF_OPEN_MS = 60_000;  // until the server hears of it after all, if it has not found out by itself
const open = new Set();       // pairs of connections
let backAt = 0;

function relay(listenPort, targetPort) {
  net.createServer({ noDelay: true }, (client) => {
    client.on("error", () => {});
    if (performance.now() < backAt) return client.resetAndDestroy();
    const server = net.connect({ port: targetPort, host: "127.0.0.1", noDelay: true });
    const pair = { client, server };
    open.add(pair);
    client.pipe(server).pipe(client);
    for (const [one, other] of [[client, server], [server, client]]) {
      one.on("error", () => { if (!pair.cut) other.resetAndDestroy(); });
      one.on("close", () => open.delete(pair));
    }
    return undefined;
  }).listen(listenPort, "127.0.0.1");
}

function cut(pair) {
  pair.cut = true;
  pair.client.unpipe(pair.server);
  pair.server.unpipe(pair.client);
  pair.client.resetAndDestroy();
  pair.server.pause();
  setTimeout(() => pair.server.resetAndDestroy(), HALF_OPEN_MS);
}

for (const ports of relays) relay(...ports.split(":").map(Number));

http.createServer((request, response) => {
  const url = new URL(request.url, "http://network");
  if (request.method !== "POST" || url.pathname !== "/cut") {
    response.statusCode = 404;
    return response.end();
  }
  backAt = performance.now() + 1000 * Number(url.searchParams.get("seconds") ?? 4);
  response.end(`${open.size} connections cut\n`);
  open.forEach(cut);
  return open.clear();
}).listen(Number(controlPort), "127.0.0.1", () => console.log("network: up"));
