// A stock client with a cookie, for some seconds; prints what became of it as JSON.
// usage: node forward_auth_client.js URL TRANSPORT COOKIE SECONDS
"use strict";

const { io } = require("socket.io-client-4");

const [url, transport, cookie, seconds] = process.argv.slice(2);
const socket = io(url, { forceNew: true, transports: [transport], extraHeaders: { Cookie: cookie, Origin: url, "X-Auth-User": "root" },
  reconnectionDelay: 200, reconnectionDelayMax: 200 });
const outcome = { connects: 0, disconnects: [], errors: [], users: [] };
socket.on("connect", () => {
  outcome.connects += 1;
  socket.emit("whoami", 0, (me) => outcome.users.push(me.headers["X-Auth-User"]));
});
socket.on("disconnect", (reason, details) => outcome.disconnects.push([reason, details && details.context && details.context.code]));
socket.on("connect_error", (error) => outcome.errors.push(error.message));
setTimeout(() => {
  console.log(JSON.stringify({ ...outcome, connected: socket.connected, active: socket.active }));
  process.exit(0);
}, Number(seconds) * 1000);
