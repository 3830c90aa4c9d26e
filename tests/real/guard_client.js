// One stock client with whatever options are given; prints what became of it as JSON after two seconds.
// usage: node guard_client.js URL OPTIONS_AS_JSON
"use strict";

const { io } = require("socket.io-client-4");

const [url, options] = process.argv.slice(2);
const socket = io(url, { forceNew: true, reconnectionDelay: 100, reconnectionDelayMax: 100, ...JSON.parse(options) });
const outcome = { connected: false, errors: [], whoami: null, active: null };

socket.on("connect", () => {
  outcome.connected = true;
  socket.emit("whoami", 0, (me) => { outcome.whoami = me; });
});
socket.on("connect_error", (error) => outcome.errors.push(error.message));
setTimeout(() => {
  outcome.active = socket.active;
  console.log(JSON.stringify(outcome));
  process.exit(0);
}, 2000);
