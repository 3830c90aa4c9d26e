// A stock client whose tokens end soon. Its `auth` callback makes a fresh one each time; with "refresh" it also brings one on
// its live session every second. Prints what became of it as JSON.
// usage: node expiry_client.js URL KEY TRANSPORT LIFETIME_IN_SECONDS SECONDS [refresh]
"use strict";

const { createHmac } = require("crypto");
const { io } = require("socket.io-client-4");

const [url, key, transport, lifetime, seconds, how] = process.argv.slice(2);
const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
let made = 0;
function token() {
  made += 1;
  const signed = `${part({ alg: "HS256" })}.${part({ sub: "bob", jti: made, exp: Math.floor(Date.now() / 1000) + Number(lifetime) })}`;
  return `${signed}.${createHmac("sha256", key).update(signed).digest("base64url")}`;
}

const socket = io(url, { forceNew: true, transports: [transport], reconnectionDelay: 100, reconnectionDelayMax: 100,
  auth: (answer) => answer({ token: token() }) });
const outcome = { connects: 0, disconnects: [], errors: [], warnings: [], renewals: [], whoami: [] };
socket.on("connect", () => {
  outcome.connects += 1;
  socket.emit("whoami", 0, (me) => outcome.whoami.push(Boolean(me)));
});
socket.on("disconnect", (reason, details) => outcome.disconnects.push([reason, details && details.context && details.context.code]));
socket.on("connect_error", (error) => outcome.errors.push(error.message));
socket.on("forestay:token_expiring", (data) => outcome.warnings.push(data));
if (how === "refresh") {
  setInterval(() => socket.connected && socket.emit("forestay:auth", { token: token() }, (answer) => outcome.renewals.push(answer)), 1000);
}
setTimeout(() => {
  console.log(JSON.stringify({ ...outcome, made, connected: socket.connected }));
  process.exit(0);
}, Number(seconds) * 1000);
