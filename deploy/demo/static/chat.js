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
    this.newsAt = null;
    this.socket = io(origin(port));
    this.visitor = new Visitor(this.socket);
    this.socket.on("connect", () => this.connected());
    this.socket.on("disconnect", (reason) => this.disconnected(reason));
    this.socket.on("connect_error", (error) => this.state(`not connected (${error.message})`, "bad"));
    this.socket.on("response", (answer) => this.answered(answer));
    this.socket.on("notice", (notice) => this.note(notice.text, ""));
    this.socket.on("news", (news) => { this.newsAt = performance.now(); this.newsText = `${news.number} of process ${news.process}`; });
    this.state("connecting", "wait");
  }

  find(selector) { return this.root.querySelector(selector); }

  state(text, kind) {
    this.find(".state").textContent = text;
    this.find(".state").className = `state ${kind}`;
  }

  connected() {
    this.state("connected", "good");
    this.note(this.socket.recovered ? "connected again, where it was" : "connected", "good");
  }

  disconnected(reason) {
    this.state("disconnected", "bad");
    this.note(`disconnected: ${reason}`, "bad");
  }

  ask(mode, message_id) {
    const entry = this.note(QUESTIONS[mode], "wait");
    entry.question = this.visitor.ask(mode, message_id, QUESTIONS[mode]);
    this.waiting.set(message_id, entry);
  }

  answered(answer) {
    const entry = this.waiting.get(answer.message_id);
    if (!entry) return this.note(`unexpected answer: ${answer.text}`, "bad");
    this.waiting.delete(answer.message_id);
    entry.text.textContent = `${QUESTIONS[entry.question.mode]} \u2192 ${answer.text}`;
    entry.text.className = answer.status === "timeout" ? "wait" : "good";
    entry.elapsed.textContent = seconds(entry.question.asked);
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
    for (const entry of this.waiting.values()) {
      entry.elapsed.textContent = seconds(entry.question.asked);
      if (this.visitor.overdue(entry.question)) {
        entry.text.textContent = `${QUESTIONS[entry.question.mode]} \u2192 no answer`;
        entry.text.className = "bad";
      }
    }
    const { resumed, ...counts } = this.visitor.counts();
    for (const [name, count] of Object.entries(counts)) {
      this.find(`.${name}`).textContent = count;
      this.find(`.${name}`).classList.toggle("bad", count > 0);
    }
    if (resumed > 0) {
      this.find(".disconnects").textContent += ` (${resumed} resumed)`;
      this.find(".disconnects").classList.toggle("bad", counts.disconnects > resumed);
    }
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
  const press = (url) => fetch(url, { method: "POST", mode: "no-cors" }).catch(() => {});
  let asked = 0;
  document.querySelectorAll("button[data-mode]").forEach((button) => button.addEventListener("click", () => {
    asked += 1;
    panes.forEach((pane) => pane.ask(button.dataset.mode, `${button.dataset.mode}-${asked}`));
  }));
  document.getElementById("crash").addEventListener("click", () => press(`${origin(ports.directPort)}/crash`));
  document.getElementById("cut").addEventListener("click", () => press(`${origin(ports.networkPort)}/cut`));
  setInterval(() => panes.forEach((pane) => pane.visitor.say()), 1000);
  setInterval(() => panes.forEach((pane) => pane.tick()), 100);
  window.panes = panes;  // for the curious, in the console
}
