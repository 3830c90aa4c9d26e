// Stock clients whose network breaks again and again, while the app goes on speaking. Prints what they noticed as one JSON
// object. usage: node recovery_client.js URL QUERY CLIENT TRANSPORTS TOKEN_OF_A_THIEF
//
// CLIENT is a package of package.json, TRANSPORTS polling, websocket or upgrade. Each client goes through a relay of its own, which
// can cut its connections in the ways networks do. Another client, which is never cut, makes the app speak.
"use strict";

const net = require("net");

const [url, query, client, transportsName, thiefsToken] = process.argv.slice(2);
const { io } = require(client);
const transports = { polling: ["polling"], websocket: ["websocket"], upgrade: ["polling", "websocket"] }[transportsName];
const port = Number(new URL(url).port);

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function until(condition, ms = 10_000) {
  const end = performance.now() + ms;
  while (performance.now() < end && !condition()) await sleep(5);
  return condition();
}

class Relay {
  constructor() {
    this.pairs = new Set();
    this.open = true;
    this.server = net.createServer((near) => this.accept(near));
  }

  async start() {
    await new Promise((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    this.url = `http://127.0.0.1:${this.server.address().port}/?${query}`;
    return this;
  }

  accept(near) {
    if (!this.open) return near.resetAndDestroy();
    const pair = { near, far: net.connect(port, "127.0.0.1") };
    this.pairs.add(pair);
    for (const [from, to] of [[pair.near, pair.far], [pair.far, pair.near]]) {
      from.setNoDelay(true);
      from.on("data", (bytes) => { if (!pair.stale) to.write(bytes); });
      from.on("error", () => {});
      from.on("close", () => { if (!pair.stale) { to.destroy(); this.pairs.delete(pair); } });
    }
  }

  // how: "fin", "reset", or "half-open": the client's side is gone, forestay hears nothing of it.
  cut(how) {
    for (const pair of this.pairs) {
      if (pair.stale) continue;
      if (how === "half-open") {
        pair.stale = true;
        pair.near.destroy();
      } else {
        for (const socket of [pair.near, pair.far]) how === "reset" ? socket.resetAndDestroy() : socket.destroy();
      }
    }
  }

  stop() {
    for (const { near, far } of this.pairs) { near.destroy(); far.destroy(); }
    this.server.close();
  }
}

async function open(extra = {}) {
  const relay = await new Relay().start();
  const socket = io(relay.url, { transports, forceNew: true, reconnectionDelay: 50, reconnectionDelayMax: 100, ...extra });
  const seen = { relay, socket, numbers: [], arities: new Set(), connects: [], disconnects: [], responses: [] };
  socket.on("connect", () => seen.connects.push({ id: socket.id, recovered: socket.recovered }));
  socket.on("disconnect", (reason) => seen.disconnects.push(reason));
  socket.on("broadcast", (...args) => { seen.numbers.push(args[0]); seen.arities.add(args.length); });
  socket.on("response", (answer) => seen.responses.push(answer.text ?? answer.status));
  await until(() => socket.connected && (transportsName !== "upgrade" || socket.io.engine.transport.name === "websocket"));
  return seen;
}

const back = (seen, count) => until(() => seen.socket.connected && seen.connects.length === count + 1);

// The app says a number every few milliseconds while the network breaks; of the same numbers to all.
let number = 0;

async function cuts(how) {
  const seen = await open();
  for (let i = 0; i < 5; i += 1) {
    await sleep(150);
    seen.relay.open = false;  // for a moment: between two polls there is nothing to cut
    seen.relay.cut(how);
    await sleep(100);
    seen.relay.open = true;
    await back(seen, i + 1);
  }
  await sleep(150);
  const last = number;
  await until(() => seen.numbers.includes(last));
  await sleep(100);
  const first = seen.numbers[0];
  const got = seen.numbers.slice(0, seen.numbers.lastIndexOf(last) + 1);
  const result = {
    said: last + 1 - first,
    got: got.length,
    inOrder: seen.numbers.every((n, i) => n === first + i),
    arities: [...seen.arities],
    connects: seen.connects.length,
    recovered: seen.connects.slice(1).every((connect) => connect.recovered),
    ids: new Set(seen.connects.map((connect) => connect.id)).size,
  };
  seen.socket.disconnect();
  seen.relay.stop();
  return result;
}

// What is asked before and answered while nobody is there.
async function absence() {
  const seen = await open();
  let acked = "";
  seen.socket.emit("think_ack", { message_id: "a", after: 0.5 }, (answer) => { acked = answer.text ?? answer.status; });
  seen.socket.emit("think", { message_id: "b", after: 0.5 });
  seen.socket.emit("think", { message_id: "c", after: null });
  await sleep(200);
  seen.relay.open = false;
  seen.relay.cut("reset");
  await sleep(1800);
  const early = seen.responses.length;
  seen.relay.open = true;
  await back(seen, 1);
  await until(() => seen.responses.length >= 2, 3000);
  await sleep(100);
  const result = { early, acked, responses: seen.responses.sort(), recovered: seen.socket.recovered };
  seen.socket.disconnect();
  seen.relay.stop();
  return result;
}

// Somebody else has seen the pid and the position.
async function theft() {
  const victim = await open();
  victim.socket.emit("echo", 1);
  await sleep(200);
  const thief = io(`${url}/?${query.replace(/token=[^&]*/, `token=${thiefsToken}`)}`,
    { transports, forceNew: true, auth: { pid: victim.socket._pid, offset: victim.socket._lastOffset } });
  await until(() => thief.connected);
  const result = {
    pid: typeof victim.socket._pid,
    recovered: thief.recovered,
    sameId: thief.id === victim.socket.id,
    victim: victim.socket.connected && victim.disconnects.length === 0,
  };
  thief.disconnect();
  victim.socket.disconnect();
  victim.relay.stop();
  return result;
}

// What the app knows of a socket: ["connect", "disconnect"].
async function atTheApp(id) {
  const seen = await (await fetch(`${url}/seen?tag=${new URLSearchParams(query).get("tag")}`)).json();
  return seen.filter((one) => one.sid === id).map((one) => one.what).join(" ");
}

// Longer than the window of two seconds, and the two that it takes to notice that nobody polls; and a goodbye.
async function tooLong() {
  const seen = await open();
  const id = seen.socket.id;
  seen.relay.open = false;
  seen.relay.cut("fin");
  await sleep(1200);
  const early = await atTheApp(id);
  await sleep(3800);
  const late = await atTheApp(id);
  seen.relay.open = true;
  await back(seen, 1);
  const second = seen.socket.id;
  const result = { early, late, recovered: seen.socket.recovered, sameId: second === id };
  seen.socket.disconnect();
  await sleep(300);
  result.goodbye = await atTheApp(second);
  seen.relay.stop();
  return result;
}

async function main() {
  const speaker = io(`${url}/?${query}`, { transports: ["websocket"], forceNew: true });
  await until(() => speaker.connected);
  const result = {};
  const timer = setInterval(() => speaker.emit("broadcast", number++), 3);
  await Promise.all(["fin", "reset", "half-open"].map(async (how) => { result[how] = await cuts(how); }));
  clearInterval(timer);
  // Whoever is away for long has its timers to itself: nothing of the above runs beside it.
  [result.absence, result.theft, result.tooLong] = await Promise.all([absence(), theft(), tooLong()]);
  speaker.disconnect();
  console.log(JSON.stringify(result));
  setTimeout(() => process.exit(0), 200);
}

main();
