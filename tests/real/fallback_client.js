// 50 stock clients with 500 requests, half of which the app does not answer in time, while a CPU-bound handler blocks the
// app. Prints what happened as one JSON object. usage: node fallback_client.js URL TIMEOUT_S
"use strict";

const { io } = require("socket.io-client-4");

const [url, timeoutText] = process.argv.slice(2);
const TIMEOUT = Number(timeoutText) * 1000;
const CLIENTS = 50;
const PER_CLIENT = 10;
const BLOCK_SECONDS = 10;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const progress = (text) => process.stderr.write(`${(performance.now() / 1000).toFixed(1)} s  ${text}\n`);
const requests = new Map();  // id -> {kind, wave, after, asked, answers: [{after_ms, text}]}

async function until(condition, ms) {
  const end = performance.now() + ms;
  while (performance.now() < end && !condition()) await sleep(10);
  return condition();
}

function open(number) {
  const transports = number < 35 ? ["websocket"] : number < 45 ? ["polling", "websocket"] : ["polling"];
  const socket = io(url, { transports, forceNew: true });
  const client = { number, socket, disconnects: [], connects: 0 };
  socket.on("connect", () => { client.connects += 1; });
  socket.on("disconnect", (reason) => client.disconnects.push(reason));
  socket.on("response", (answer) => answered(answer.message_id, answer.text));
  return client;
}

function answered(id, text) {
  const request = requests.get(id);
  request.answers.push({ after_ms: performance.now() - request.asked, text });
}

// `after`: seconds until the app answers, null for never.
function ask(client, wave, index, after) {
  const kind = index % 2 ? "ack" : "event";
  const id = `${wave}-${client.number}-${index}`;
  requests.set(id, { kind, wave, after, asked: performance.now(), answers: [] });
  if (kind === "ack") client.socket.emit("think_ack", { message_id: id, after }, (answer) => answered(id, answer?.text));
  else client.socket.emit("think", { message_id: id, after });
}

const wave = (name) => [...requests.values()].filter((request) => request.wave === name);

async function main() {
  const clients = Array.from({ length: CLIENTS }, (_, number) => open(number));
  const blocker = io(url, { transports: ["websocket"], forceNew: true });
  await until(() => clients.every((client) => client.socket.connected) && blocker.connected, 20_000);
  await until(() => clients.every(({ number, socket }) => number < 35 || number >= 45 || socket.io.engine.transport.name === "websocket"), 10_000);
  await sleep(500);
  progress(`${clients.filter((client) => client.socket.connected).length} clients are connected`);

  // Of each client's ten: five answered at once, three when the app is free again, two never.
  for (const client of clients) {
    for (let index = 0; index < PER_CLIENT; index += 1) {
      ask(client, "first", index, index < 5 ? 0 : index < 8 ? 1.5 : null);
    }
  }
  const real = wave("first").filter((request) => request.after === 0);
  await until(() => real.every((request) => request.answers.length > 0), 10_000);
  progress(`${real.filter((request) => request.answers.length).length} of ${real.length} real answers are in; the app is blocked for ${BLOCK_SECONDS} s from now on`);
  let blocked = true;
  blocker.emit("block", BLOCK_SECONDS, () => { blocked = false; });
  blocker.on("disconnect", (reason) => progress(`the client that blocks: ${reason}`));
  await sleep(1500);
  for (const client of clients) for (const index of [0, 1]) ask(client, "while blocked", index, 0);
  const held = [...requests.values()].filter((request) => !real.includes(request));
  await until(() => held.every((request) => request.answers.length > 0), 2 * TIMEOUT);
  const stillBlocked = blocked;
  progress(`${held.filter((request) => request.answers.length).length} of ${held.length} fallbacks are in; the app is ${blocked ? "still blocked" : "free"}`);

  await until(() => !blocked, 2000 * BLOCK_SECONDS);
  progress("the app is free again");
  await sleep(2500);
  let alive = 0;
  for (const client of clients) client.socket.emit("ack", "still there?", () => { alive += 1; });
  await until(() => alive === CLIENTS, 5000);
  const result = JSON.stringify({
    still_blocked: stillBlocked,
    alive,
    connects: clients.map((client) => client.connects),
    disconnects: clients.flatMap((client) => client.disconnects),
    requests: [...requests.values()],
  });
  process.stdout.write(result, () => process.exit(0));
}

main();
