// One stock client's part of the matrix. Prints one JSON line per check: {check, ok, detail}.
// usage: node client.js VERSION TRANSPORT URL APP_URL      (VERSION 2 | 3 | 4, TRANSPORT polling | websocket | upgrade)
// With a fifth argument "hang" it connects, prints a line and waits to be killed: the abrupt disconnect.
"use strict";

const [version, transport, url, appUrl, hang] = process.argv.slice(2);
const client = require(`socket.io-client-${version}`);
const io = client.io ?? client;
const direct = url === appUrl;
const tag = `js${version}-${transport}-${process.pid}`;
const transports = transport === "upgrade" ? ["polling", "websocket"] : [transport];

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const report = (check, ok, detail) => console.log(JSON.stringify({ check, ok, detail }));

function open(nsp, more = {}) {
  return io(url + nsp, {
    transports,
    forceNew: true,
    reconnection: false,
    query: { tag, flavour: "a b&c" },
    // A stock browser sends these by itself. The client of 2.x takes them per transport.
    extraHeaders: { Origin: url, Cookie: "theme=dark; session=abc.def", "X-Special": "special" },
    transportOptions: Object.fromEntries(transports.map((name) =>
      [name, { extraHeaders: { Origin: url, Cookie: "theme=dark; session=abc.def", "X-Special": "special" } }])),
    ...more,
  });
}

function once(socket, event, ms = 8000) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${event} within ${ms} ms`)), ms);
    socket.once(event, (...args) => { clearTimeout(timer); resolve(args); });
  });
}

function ask(socket, event, ...args) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ack of ${event} within 8 s`)), 8000);
    socket.emit(event, ...args, (...answer) => { clearTimeout(timer); resolve(answer); });
  });
}

async function seen(what) {
  const list = await (await fetch(`${appUrl}/seen?tag=${tag}`)).json();
  return list.filter((entry) => entry.what === what);
}

async function until(condition, ms) {
  const end = Date.now() + ms;
  while (Date.now() < end) {
    if (await condition()) return true;
    await sleep(50);
  }
  return false;
}

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const show = (value) => { const text = JSON.stringify(value) ?? "undefined"; return text.length > 200 ? `${text.slice(0, 200)}...` : text; };

async function check(name, body) {
  try {
    const problem = await body();
    report(name, !problem, problem ?? "");
  } catch (error) {
    report(name, false, error.message);
  }
}

const awkward = ["text", 1, 2.5, -0.001, true, null, [], {}, { deep: [{ er: "\u00e9\u{1F600}\u2028\u0000" }] }, "\"quoted\\\"", ""];

async function main() {
  const socket = open("");
  await check("connect", async () => {
    await Promise.race([once(socket, "connect"),
      once(socket, "connect_error").then(([error]) => { throw new Error(`connect_error: ${error.message ?? error}`); })]);
    if (transport !== "upgrade") return undefined;
    const engine = socket.io.engine;
    return await until(() => engine.transport.name === "websocket", 5000) ? undefined : "no upgrade to websocket within 5 s";
  });
  if (!socket.connected) return;

  await check("echo", async () => {
    const answer = once(socket, "echo");
    socket.emit("echo", ...awkward);
    const got = await answer;
    return same(got, awkward) ? undefined : `got ${show(got)}`;
  });

  await check("ack", async () => {
    const got = await ask(socket, "ack", ...awkward);
    return same(got, awkward) ? undefined : `got ${show(got)}`;
  });

  await check("binary", async () => {
    for (const size of [0, 1, 3, 70_000]) {
      const bytes = Buffer.alloc(size, (_, i) => i).map((_, i) => (i * 7 + 3) & 255);
      const event = once(socket, "binary");
      const [ack] = await ask(socket, "binary", Buffer.from(bytes));
      const [{ reversed, length }] = await event;
      const expected = Buffer.from(bytes).reverse();
      if (length !== size) return `the app got ${length} bytes of ${size}`;
      if (!Buffer.from(reversed).equals(expected)) return `${size} bytes came back changed in the event`;
      if (!Buffer.from(ack).equals(expected)) return `${size} bytes came back changed in the ack`;
    }
    return undefined;
  });

  await check("namespaces", async () => {
    const custom = socket.io.socket("/custom", { auth: { token: "t" } });
    await once(custom, "connect");
    const [me] = await ask(custom, "whoami", 0);
    const echoed = once(custom, "echo");
    custom.emit("echo", "in custom");
    const got = await echoed;
    const here = await ask(socket, "whoami", 0);
    custom.disconnect();
    if (me.namespace !== "/custom" || here[0].namespace !== "/") return `namespaces ${me.namespace} and ${here[0].namespace}`;
    return same(got, ["in custom"]) ? undefined : `got ${show(got)}`;
  });

  await check("unknown namespace", async () => {
    if (version === "2") return undefined;  // reported as an event named error there, and by the server's choice only
    const nowhere = open("/nowhere");
    await once(nowhere, "connect_error");  // python-socketio gives no message with it
    nowhere.disconnect();
    return undefined;
  });

  await check("broadcast", async () => {
    const other = open("");
    await once(other, "connect");
    const text = `to all of us, says ${tag}`;
    const heard = (listener) => new Promise((resolve, reject) => {
      setTimeout(() => reject(new Error("no broadcast within 8 s")), 8000).unref();
      listener.on("broadcast", (data) => { if (data === text) resolve(); });
    });
    const all = Promise.all([heard(socket), heard(other)]);
    socket.emit("broadcast", text);
    await all;
    other.disconnect();
    return undefined;
  });

  await check("900 kB", async () => {
    const text = "0123456789".repeat(90_000);
    const echoed = once(socket, "echo", 20_000);
    socket.emit("echo", text);
    const [got] = await echoed;
    return got === text ? undefined : `${got.length} characters came back`;
  });

  await check("1000 to the client in order", async () => {
    const numbers = [];
    const listener = (number) => numbers.push(number);
    socket.on("number", listener);
    socket.emit("numbers", 1000);
    await until(() => numbers.length >= 1000, 15_000);
    await sleep(100);
    socket.off("number", listener);
    if (numbers.length !== 1000) return `${numbers.length} came`;
    const wrong = numbers.findIndex((number, index) => number !== index);
    return wrong < 0 ? undefined : `number ${numbers[wrong]} came at place ${wrong}`;
  });

  await check("1000 to the app in order", async () => {
    // python-engineio ends a session that posts more than 16 packets at once. Through forestay a client may.
    const pace = direct && transport === "polling" ? 10 : 1000;
    for (let number = 0; number < 1000; number += 1) {
      socket.emit("number", number);
      if (number % pace === pace - 1) await ask(socket, "ack");
    }
    await until(async () => (await seen("number")).length >= 1000, 15_000);
    const numbers = (await seen("number")).map((entry) => entry.number);
    if (numbers.length !== 1000) return `${numbers.length} came`;
    const wrong = numbers.findIndex((number, index) => number !== index);
    return wrong < 0 ? undefined : `number ${numbers[wrong]} came at place ${wrong}`;
  });

  await check("as seen by the app", async () => {
    const [me] = await ask(socket, "whoami", 0);
    const host = new URL(url).host;
    const problems = [];
    if (!same(me.cookies, { theme: "dark", session: "abc.def" })) problems.push(`cookies ${show(me.cookies)}`);
    if (me.query.flavour !== "a b&c" || me.query.tag !== tag) problems.push(`query ${show(me.query)}`);
    if (me.headers["X-Special"] !== "special") problems.push("no X-Special");
    if (me.headers.Origin !== url) problems.push(`Origin ${me.headers.Origin}`);
    if (me.host !== host) problems.push(`Host ${me.host}, not ${host}`);
    // A WSGI server says the peer's address; the client's is where every proxy puts it.
    const address = direct ? me.address : me.headers["X-Forwarded-For"];
    if (!/^(::ffff:)?127\.0\.0\.1$/.test(address)) problems.push(`address ${address}`);
    if (!direct && me.headers["X-Forwarded-Host"] !== host) problems.push(`X-Forwarded-Host ${me.headers["X-Forwarded-Host"]}`);
    if (!direct && me.headers["X-Forwarded-Proto"] !== "http") problems.push(`X-Forwarded-Proto ${me.headers["X-Forwarded-Proto"]}`);
    return problems.length ? problems.join(", ") : undefined;
  });

  await check("refusal by the app", async () => {
    if (version === "2") return undefined;  // the app of the matrix that refuses is app.py
    const refused = open("", { query: { tag: `${tag}-refused`, refuse: 1 } });
    const [error] = await once(refused, "connect_error");
    refused.disconnect();
    return error.message === "not today" && same(error.data, { code: 7 }) ? undefined : `${error.message} ${show(error.data)}`;
  });

  await check("disconnected by the app", async () => {
    const leaving = open("");
    await once(leaving, "connect");
    const gone = once(leaving, "disconnect");
    leaving.emit("leave_me");
    const [reason] = await gone;
    return reason === "io server disconnect" ? undefined : `reason ${reason}`;
  });

  await check("clean disconnect", async () => {
    const [{ sid }] = await ask(socket, "whoami", 0);  // the app's: a client of 2.x calls itself after its transport
    const gone = once(socket, "disconnect");
    socket.disconnect();
    await gone;
    const heard = await until(async () => (await seen("disconnect")).some((entry) => entry.sid === sid), 5000);
    return heard ? undefined : "the app's disconnect handler did not run within 5 s";
  });
}

if (hang) {
  const socket = open("");
  once(socket, "connect").then(async () => {
    if (transport === "upgrade") await until(() => socket.io.engine.transport.name === "websocket", 5000);
    console.log(JSON.stringify({ tag, sid: socket.id }));
    setInterval(() => {}, 1000);
  }).catch((error) => { console.log(JSON.stringify({ error: error.message })); process.exit(1); });
} else {
  main().catch((error) => report("the client itself", false, error.stack)).finally(() => process.exit(0));
}
