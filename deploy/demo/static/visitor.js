// A visitor of the chat, as a legacy page has one: joins its room in the `connect` handler, asks questions, says a numbered
// line a second, and counts what it did not get. The page and check.js use the same one. Nothing in here knows forestay.
"use strict";

// Until when an answer is expected, in seconds, with a restart of the app or a few seconds without network in between.
const PROMISED = { fast: 6, slow: 16, think_tank: 14, report: 20 };

// Numbers that should come one by one.
class Series {
  constructor() { this.heard = new Set(); this.first = Infinity; this.last = -Infinity; this.twice = 0; }

  add(number) {
    if (this.heard.has(number)) this.twice += 1;
    this.heard.add(number);
    this.first = Math.min(this.first, number);
    this.last = Math.max(this.last, number);
  }

  // Passed over by a later one.
  get lost() { return this.heard.size ? this.last - this.first + 1 - this.heard.size : 0; }
}

class Visitor {
  constructor(socket) {
    this.socket = socket;
    this.questions = new Map();  // message_id -> {mode, asked, answers}
    this.lines = new Series();   // the own ones that came back
    this.news = new Map();       // process of the app -> Series
    this.said = 0;
    this.connects = 0;
    this.disconnects = 0;
    this.resumed = 0;            // times that a connection was lost and its session was not
    socket.on("connect", () => {
      this.connects += 1;
      if (socket.recovered) this.resumed += 1;
      socket.emit("join", { room: "readers" });
    });
    socket.on("disconnect", () => { this.disconnects += 1; });
    socket.on("response", (answer) => {
      const question = this.questions.get(answer.message_id);
      question?.answers.push({ at: performance.now(), ...answer });
    });
    socket.on("line", ({ number }) => this.lines.add(number));
    socket.on("news", ({ process, number }) => {
      if (!this.news.has(process)) this.news.set(process, new Series());
      this.news.get(process).add(number);
    });
  }

  say() {
    if (this.connects === 0) return;
    this.said += 1;
    this.socket.emit("say", { number: this.said });
  }

  ask(mode, message_id, text) {
    const question = { message_id, mode, asked: performance.now(), answers: [] };
    this.questions.set(message_id, question);
    this.socket.emit("chat_message", { mode, message_id, text });
    return question;
  }

  // Whether an answer came late; without one, whether it is overdue.
  overdue({ mode, asked, answers }) {
    return ((answers[0]?.at ?? performance.now()) - asked) / 1000 > PROMISED[mode];
  }

  counts() {
    const questions = [...this.questions.values()];
    const series = [this.lines, ...this.news.values()];
    const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
    return {
      disconnects: this.disconnects,
      resumed: this.resumed,
      answers_lost: questions.filter((question) => question.answers.length === 0 && this.overdue(question)).length,
      answers_late: questions.filter((question) => question.answers.length > 0 && this.overdue(question)).length,
      messages_lost: sum(series.map((one) => one.lost)),
      // An answer that comes a second time counts as well.
      messages_twice: sum(series.map((one) => one.twice)) + sum(questions.map((q) => Math.max(0, q.answers.length - 1))),
    };
  }
}

if (typeof module !== "undefined") module.exports = { Visitor, PROMISED };
