// The demo without a person: asks the question that never answers, directly and through forestay, first while the app
// is well, then while it is blocked solid. usage: node check.js DIRECT_URL FORESTAY_URL
"use strict";

const { io } = require("socket.io-client");

const [directUrl, forestayUrl] = process.argv.slice(2);
const TIMEOUT = 5;       // of the rule think_tank in forestay.yaml
const TOLERANCE = 1;     // how much later than that a fallback is still in time
const PATIENCE = 8;      // how long a direct answer is waited for
const failures = [];

const now = () => performance.now() / 1000;
const started = now();
const sleep = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
const say = (text) => console.log(`${(now() - started).toFixed(1).padStart(5)} s  ${text}`);
const expect = (met, text) => {
  say(`${met ? "ok    " : "FAILED"} ${text}`);
  if (!met) failures.push(text);
};

class Client {
  constructor(name, url) {
    this.name = name;
    this.answers = new Map();  // message_id -> every answer that came
    this.disconnects = 0;
    this.socket = io(url, { forceNew: true });
    this.socket.on("disconnect", (reason) => { this.disconnects += 1; say(`       ${name}: disconnected (${reason})`); });
    this.socket.on("response", (answer) => {
      const answers = this.answers.get(answer.message_id) ?? [];
      answers.push({ at: now(), ...answer });
      this.answers.set(answer.message_id, answers);
      say(`       ${name}: ${answer.message_id} answered (${answer.status}): ${answer.text}`);
    });
  }

  async connected(seconds) {
    for (const end = now() + seconds; now() < end; await sleep(0.05)) if (this.socket.connected) return;
    throw new Error(`${this.name}: no connection within ${seconds} s`);
  }

  ask(mode, message_id) {
    this.socket.emit("chat_message", { mode, message_id, text: "What is the meaning of it all?" });
    return { message_id, asked: now() };
  }

  async answer({ message_id }, until) {
    while (now() < until && !this.answers.has(message_id)) await sleep(0.02);
    return this.answers.get(message_id)?.[0];
  }
}

function expectFallback(answer, question, when) {
  const elapsed = answer ? answer.at - question.asked : NaN;
  expect(answer?.status === "timeout" && elapsed >= TIMEOUT - 0.1 && elapsed <= TIMEOUT + TOLERANCE,
    `through forestay, ${when}: ${answer ? `the fallback came after ${elapsed.toFixed(2)} s` : "no answer"} (due after ${TIMEOUT} s)`);
}

async function isSilent(url) {
  try {
    await fetch(url, { signal: AbortSignal.timeout(1000) });
    return false;
  } catch {
    return true;
  }
}

async function main() {
  const direct = new Client("direct  ", directUrl);
  const through = new Client("forestay", forestayUrl);
  await Promise.all([direct.connected(10), through.connected(10)]);
  say("       both are connected");

  say("1. The app is well. Think Tank, asked on both sides:");
  const unanswered = direct.ask("think_tank", "well");
  const question = through.ask("think_tank", "well");
  expectFallback(await through.answer(question, now() + PATIENCE), question, "the app being well");
  const never = await direct.answer(unanswered, unanswered.asked + PATIENCE);
  expect(!never, `directly: ${never ? "an answer" : `no answer within ${PATIENCE} s, and none will come`}`);

  say("2. A report blocks the app for 15 seconds. Think Tank again:");
  const blocker = through.ask("report", "report");
  await sleep(1);
  expect(await isSilent(directUrl), "the app is blocked solid: not even a plain HTTP request is answered");
  const blocked = through.ask("think_tank", "blocked");
  expectFallback(await through.answer(blocked, now() + PATIENCE), blocked, "the app being blocked");
  const report = await through.answer(blocker, blocker.asked + 20);
  expect(report?.status === "answered", "through forestay: the report's own answer came when the app was done");
  expect(direct.disconnects > 0, `directly: the client lost its connection meanwhile (${direct.disconnects} times)`);

  say("3. Afterwards:");
  const fast = through.ask("fast", "fast");
  expect((await through.answer(fast, now() + 5))?.status === "answered", "through forestay: a fast question is answered by the app");
  expect(through.disconnects === 0, `through forestay: the client stayed connected all the time (${through.disconnects} disconnects)`);
  expect([...through.answers.values()].every((answers) => answers.length === 1), "through forestay: no question was answered twice");
}

main().catch((error) => { failures.push(error.message); say(`FAILED ${error.message}`); }).finally(() => {
  console.log(failures.length === 0 ? "\nThe fallback came in time." : `\n${failures.length} of the checks failed.`);
  process.exit(failures.length === 0 ? 0 : 1);
});
