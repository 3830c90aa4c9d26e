// Two panes over the same app: one connects to it directly, one through forestay. Everything else is equal.
"use strict";

const ports = document.body.dataset;
const origin = (port) => `${location.protocol}//${location.hostname}:${port}`;
const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;
const QUESTIONS = {
  fast: "How are you?",
  slow: "Why is the sky blue?",
  think_tank: "What is the meaning of it all?",
  report: "The yearly report, please",
};

class Pane {
  constructor(id, title, port) {
    this.root = document.getElementById(id);
    this.root.append(document.getElementById("pane").content.cloneNode(true));
    this.find("h2").textContent = title;
    this.waiting = new Map();  // message_id -> entry of the timeline
    this.disconnects = 0;
    this.newsAt = null;
    this.socket = io(origin(port));
    this.socket.on("connect", () => this.connected());
    this.socket.on("disconnect", (reason) => this.disconnected(reason));
    this.socket.on("connect_error", (error) => this.state(`not connected (${error.message})`, "bad"));
    this.socket.on("response", (answer) => this.answered(answer));
    this.socket.on("news", (news) => { this.newsAt = performance.now(); this.newsText = news.text; });
    this.state("connecting", "wait");
  }

  find(selector) { return this.root.querySelector(selector); }

  state(text, kind) {
    this.find(".state").textContent = text;
    this.find(".state").className = `state ${kind}`;
  }

  connected() {
    this.state("connected", "good");
    this.note("connected", "good");
  }

  disconnected(reason) {
    this.disconnects += 1;
    this.find(".disconnects").textContent = this.disconnects;
    this.find(".disconnects").className = "disconnects bad";
    this.state("disconnected", "bad");
    this.note(`disconnected: ${reason}`, "bad");
    for (const entry of this.waiting.values()) entry.finish("\u2192 lost with the connection", "bad");
    this.waiting.clear();
  }

  ask(mode, message_id) {
    const asked = performance.now();
    const entry = this.note(QUESTIONS[mode], "wait");
    entry.finish = (text, kind) => {
      entry.text.textContent = `${QUESTIONS[mode]} ${text}`;
      entry.text.className = kind;
      entry.elapsed.textContent = seconds(asked);
    };
    entry.tick = () => { entry.elapsed.textContent = seconds(asked); };
    this.waiting.set(message_id, entry);
    this.socket.emit("chat_message", { mode, message_id, text: QUESTIONS[mode] });
  }

  answered(answer) {
    const entry = this.waiting.get(answer.message_id);
    if (!entry) return this.note(`unexpected answer: ${answer.text}`, "bad");
    this.waiting.delete(answer.message_id);
    entry.finish(`\u2192 ${answer.text}`, answer.status === "timeout" ? "wait" : "good");
  }

  // One line of the timeline, newest first.
  note(text, kind) {
    const line = document.createElement("li");
    const time = document.createElement("time");
    const entry = { text: document.createElement("span"), elapsed: document.createElement("span") };
    time.textContent = new Date().toLocaleTimeString([], { hour12: false });
    entry.text.textContent = text;
    entry.text.className = kind;
    line.append(time, entry.text, entry.elapsed);
    const list = this.find("ol");
    list.prepend(line);
    if (list.children.length > 40) list.lastElementChild.remove();
    return entry;
  }

  tick() {
    for (const entry of this.waiting.values()) entry.tick();
    const engine = this.socket.io.engine;
    this.find(".transport").textContent = this.socket.connected && engine ? engine.transport.name : "none";
    if (this.newsAt !== null) {
      const overdue = performance.now() - this.newsAt > 5000;
      this.find(".news").textContent = `${seconds(this.newsAt)} ago`;
      this.find(".news").className = `news ${overdue ? "bad" : ""}`;
      this.find(".news").title = this.newsText;
    }
  }
}

if (location.port === ports.directPort) {
  // The page belongs behind forestay, whose origin check lets only its own pages in.
  location.replace(origin(ports.forestayPort));
} else {
  const panes = [new Pane("direct", "Direct", ports.directPort), new Pane("forestay", "Through forestay", ports.forestayPort)];
  let asked = 0;
  document.querySelectorAll("button[data-mode]").forEach((button) => button.addEventListener("click", () => {
    asked += 1;
    panes.forEach((pane) => pane.ask(button.dataset.mode, `${button.dataset.mode}-${asked}`));
  }));
  document.getElementById("crash").addEventListener("click", () => fetch("/crash", { method: "POST" }).catch(() => {}));
  setInterval(() => panes.forEach((pane) => pane.tick()), 100);
  window.panes = panes;  // for the curious, in the console
}
