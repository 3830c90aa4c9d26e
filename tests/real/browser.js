// Chromium, told what to do by lines of JSON: {page, frame, cookies, call, with} in, what the page saw out. Each line gets a
// fresh profile. Nothing but this machine can be reached.  usage: node browser.js EXECUTABLE
"use strict";

const path = require("node:path");
const readline = require("node:readline");
const { chromium } = require("playwright-core");

const CLIENT = path.join(path.dirname(require.resolve("socket.io-client-4/package.json")), "dist", "socket.io.min.js");
const HOSTS = ["app.test", "*.app.test", "evil.test", "*.evil.test"].map((host) => `MAP ${host} 127.0.0.1`);
const FLAGS = ["--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
  `--host-resolver-rules=${[...HOSTS, "MAP * ~NOTFOUND", "EXCLUDE 127.0.0.1", "EXCLUDE localhost"].join(", ")}`];
const PATIENCE_MS = 10000;

// These run inside the page.
const calls = {
  socketio({ url, options, upgrade, patience }) {
    return new Promise((resolve) => {
      const saw = { connected: false, error: null, transport: null, me: null };
      const socket = window.io(url, { forceNew: true, reconnection: false, ...options });
      const end = () => {
        saw.transport = socket.io.engine?.transport?.name;
        socket.disconnect();
        resolve(saw);
      };
      setTimeout(end, patience);
      socket.on("connect_error", (error) => { saw.error = error.message; end(); });
      socket.on("connect", () => {
        saw.connected = true;
        const ask = () => socket.emit("whoami", (me) => { saw.me = me; end(); });
        if (!upgrade || socket.io.engine.transport.name === "websocket") ask();
        else socket.io.engine.once("upgrade", ask);
      });
    });
  },
  websocket({ url, protocols, patience }) {
    return new Promise((resolve) => {
      const saw = { opened: false, code: null, heard: null };
      const socket = new WebSocket(url, protocols ?? []);
      const end = () => { socket.close(); resolve(saw); };
      setTimeout(end, patience);
      socket.onopen = () => { saw.opened = true; };
      socket.onmessage = (event) => { saw.heard = String(event.data); end(); };
      socket.onclose = (event) => { saw.code = event.code; end(); };
    });
  },
  async fetch({ url, init }) {
    try {
      const answer = await window.fetch(url, init);
      return { status: answer.status, body: await answer.text() };
    } catch (error) {
      return { failed: error.message };
    }
  },
  jsonp({ url }) {
    return new Promise((resolve) => {
      const saw = { heard: null };
      window.___eio = [(text) => { saw.heard = text; }];
      const script = document.createElement("script");
      script.onload = () => resolve({ ...saw, loaded: true });
      script.onerror = () => resolve({ ...saw, loaded: false });
      script.src = url;
      document.head.append(script);
    });
  },
};

async function perform(browser, { page: url, frame, cookies, call, with: argument }) {
  const context = await browser.newContext();
  try {
    if (cookies?.length) await context.addCookies(cookies);
    const page = await context.newPage();
    await page.goto(url);
    const place = frame ? page.frames()[1] : page.mainFrame();
    await place.addScriptTag({ path: CLIENT });
    return await place.evaluate(calls[call], { patience: PATIENCE_MS, ...argument });
  } finally {
    await context.close();
  }
}

async function main() {
  const browser = await chromium.launch({ executablePath: process.argv[2], args: FLAGS, handleSIGTERM: false });
  process.on("SIGTERM", () => browser.close().finally(() => process.exit(0)));
  console.log(JSON.stringify({ version: browser.version() }));
  for await (const line of readline.createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await perform(browser, JSON.parse(line)).catch((error) => ({ error: `${error}` }))));
  }
}

main().catch((error) => { console.error(error); process.exit(1); });
