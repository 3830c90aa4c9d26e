// A crowd of stock clients that can be asked which process of the app they are with.
// usage: node upstreams_client.js URL COUNT      Commands, a line each: "where", "more N". One JSON line answers each.
"use strict";

const readline = require("readline");
const { io } = require("socket.io-client-4");

const [url, count] = process.argv.slice(2);
const sockets = [];
const noticed = { disconnects: 0, connect_errors: 0 };

async function more(number) {
  await Promise.all(Array.from({ length: number }, () => new Promise((resolve) => {
    const socket = io(url, { forceNew: true, transports: ["websocket"] });
    socket.on("disconnect", () => { noticed.disconnects += 1; });
    socket.on("connect_error", () => { noticed.connect_errors += 1; });
    socket.once("connect", resolve);
    sockets.push(socket);
  })));
}

// What is asked while the app is away waits with forestay, not here.
async function where() {
  const processes = {};
  let silent = 0;
  await Promise.all(sockets.map(async (socket) => {
    try {
      const pid = await socket.timeout(15000).emitWithAck("where");
      processes[pid] = (processes[pid] ?? 0) + 1;
    } catch {
      silent += 1;
    }
  }));
  return { processes, silent };
}

const say = (more_) => console.log(JSON.stringify({ ...more_, ...noticed, connected: sockets.filter((s) => s.connected).length }));

more(Number(count)).then(() => {
  say({});
  readline.createInterface({ input: process.stdin }).on("line", async (line) => {
    const [what, number] = line.split(" ");
    if (what === "more") await more(Number(number));
    say(await where());
  }).on("close", () => process.exit(0));
});
