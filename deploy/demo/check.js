// The demo without a person, directly and through forestay: the question that never answers, of an app that is well and of
// one that is blocked solid; the app killed, and the clients' network cut, with questions under way. Prints what each
// client noticed. usage: node check.js DIRECT_URL FORESTAY_URL NETWORK_URL
"use strict";

const { io } = require("socket.io-client");
const { Visitor, PROMISED } = require("./static/visitor.js");

const [directUrl, forestayUrl, networkUrl] = process.argv.slice(2);
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

async function until(condition, end) {
  while (now() < end && !condition()) await sleep(0.02);
  return condition();
}

class Client {
  constructor(name, url) {
    this.name = name;
    this.socket = io(url, { forceNew: true });
    this.visitor = new Visitor(this.socket);
    this.socket.on("disconnect", (reason) => say(`       ${name}: disconnected (${reason})`));
    this.socket.on("connect", () => say(`       ${name}: connected${this.socket.recovered ? " again, where it was" : ""}`));
    this.socket.on("response", (answer) => say(`       ${name}: ${answer.message_id} answered (${answer.status}): ${answer.text}`));
    setInterval(() => this.visitor.say(), 200);
    this.begin();
  }

  begin() { this.before = { ...this.visitor.counts(), connects: this.visitor.connects }; }

  // Since begin(), in words.
  noticed() {
    const counts = this.visitor.counts();
    const disconnects = counts.disconnects - this.before.disconnects;
    const resumed = counts.resumed - this.before.resumed;
    const of = (name, one, many) => {
      const count = counts[name] - this.before[name];
      return count === 0 ? [] : [`${count} ${count === 1 ? one : many}`];
    };
    const felt = [
      ...(disconnects > resumed ? [`${disconnects - resumed} ${disconnects - resumed === 1 ? "session" : "sessions"} lost`] : []),
      ...of("answers_lost", "answer lost", "answers lost"),
      ...of("answers_late", "answer late", "answers late"),
      ...of("messages_lost", "message lost", "messages lost"),
      ...of("messages_twice", "message twice", "messages twice"),
    ];
    return { disconnects, nothing: felt.length === 0,
             text: (felt.join(", ") || "nothing") + (resumed ? ` (its connection broke, its session went on ${resumed} ${resumed === 1 ? "time" : "times"})` : "") };
  }

  ask(mode, message_id) { return this.visitor.ask(mode, message_id, "What is the meaning of it all?"); }

  // Its lines come back, and news from whatever process the app is now.
  get well() { return this.visitor.lines.last >= this.visitor.said - 5; }
  get processes() { return this.visitor.news.size; }
}

async function answer(question, end) {
  await until(() => question.answers.length > 0, end);
  return question.answers[0];
}

function expectFallback(given, question, when) {
  const elapsed = given ? (given.at - question.asked) / 1000 : NaN;
  expect(given?.status === "timeout" && elapsed >= TIMEOUT - 0.1 && elapsed <= TIMEOUT + TOLERANCE,
    `through forestay, ${when}: ${given ? `the fallback came after ${elapsed.toFixed(2)} s` : "no answer"} (due after ${TIMEOUT} s)`);
}

async function isSilent(url) {
  try {
    await fetch(url, { signal: AbortSignal.timeout(1000) });
    return false;
  } catch {
    return true;
  }
}

async function neverAnswered(direct, through) {
  say("1. The app is well. Think Tank, asked on both sides:");
  const unanswered = direct.ask("think_tank", "well");
  const question = through.ask("think_tank", "well");
  expectFallback(await answer(question, now() + PATIENCE), question, "the app being well");
  const never = await answer(unanswered, unanswered.asked / 1000 + PATIENCE);
  expect(!never, `directly: ${never ? "an answer" : `no answer within ${PATIENCE} s, and none will come`}`);
}

async function blockedSolid(direct, through) {
  say("2. A report blocks the app for 15 seconds. Think Tank again:");
  const blocker = through.ask("report", "report");
  await sleep(1);
  expect(await isSilent(directUrl), "the app is blocked solid: not even a plain HTTP request is answered");
  const blocked = through.ask("think_tank", "blocked");
  expectFallback(await answer(blocked, now() + PATIENCE), blocked, "the app being blocked");
  const report = await answer(blocker, blocker.asked / 1000 + 20);
  expect(report?.status === "answered", "through forestay: the report's own answer came when the app was done");
  expect(direct.visitor.disconnects > 0, `directly: the client lost its connection meanwhile (${direct.visitor.disconnects} times)`);
  expect(through.visitor.disconnects === 0, "through forestay: the client stayed connected all the time");
  const fast = through.ask("fast", "fast");
  expect((await answer(fast, now() + 5))?.status === "answered", "through forestay: a fast question is answered by the app");
}

// Questions under way, then `disturb`, `after` seconds later; then as long as the answers may take.
async function disturbed(direct, through, name, after, disturb, back) {
  await until(() => direct.well && through.well, now() + 10);
  for (const client of [direct, through]) client.begin();
  const asked = now();
  for (const client of [direct, through]) for (const mode of ["slow", "think_tank"]) client.ask(mode, `${mode}-${name}`);
  await sleep(after);
  await disturb();
  const end = asked + Math.max(PROMISED.slow, PROMISED.think_tank) + 0.5;
  await until(() => now() > end && back(direct) && back(through) && direct.well && through.well, end + 10);
  expect(back(direct) && direct.well && back(through) && through.well, "both clients are back, and their messages come through");
  say(`       directly:         ${direct.noticed().text}`);
  const noticed = through.noticed();
  expect(noticed.nothing, `through forestay: ${noticed.text}`);
  expect(!direct.noticed().nothing, "directly: it was noticed");
  return noticed;
}

async function killed(direct, through) {
  say("3. The app is killed (SIGKILL) with questions under way, and started again a second later:");
  const processes = direct.processes + 1;
  const kill = () => fetch(`${directUrl}/crash`, { method: "POST" }).catch(() => {});
  const noticed = await disturbed(direct, through, "killed", 1, kill, (client) => client.processes >= processes);
  expect(noticed.disconnects === 0, "through forestay: not even a disconnect");
}

async function cut(direct, through) {
  say("4. The network of both is cut for 4 seconds with questions under way. The servers hear nothing of it:");
  const disconnects = new Map([direct, through].map((client) => [client, client.visitor.disconnects]));
  const tear = async () => say(`       ${(await (await fetch(`${networkUrl}/cut?seconds=4`, { method: "POST" })).text()).trim()}`);
  await disturbed(direct, through, "cut", 4, tear, (client) => client.socket.connected && client.visitor.disconnects > disconnects.get(client));
}

async function main() {
  const direct = new Client("direct  ", directUrl);
  const through = new Client("forestay", forestayUrl);
  const connected = await until(() => [direct, through].every(({ visitor }) => visitor.news.size > 0), now() + 10);
  if (!connected) throw new Error("no connection and no news within 10 s");
  await neverAnswered(direct, through);
  await blockedSolid(direct, through);
  await killed(direct, through);
  await cut(direct, through);
}

main().catch((error) => { failures.push(error.message); say(`FAILED ${error.message}`); }).finally(() => {
  console.log(failures.length === 0 ? "\nEvery fallback came in time, and through forestay the client missed nothing." : `\n${failures.length} of the checks failed.`);
  process.exit(failures.length === 0 ? 0 : 1);
});
