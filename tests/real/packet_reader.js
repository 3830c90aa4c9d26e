// Reads text frames of a client as the JavaScript server does: one JSON string a line in, one JSON value a line out.
// `null`: refused. `text`: the outcome as tests/vectors/parser_differentials.json has it.
"use strict";
const path = require("path");
const readline = require("readline");
const client = path.join(process.argv[2], "socket.io-client-4", "node_modules");
const { decodePacket } = require(path.join(client, "engine.io-parser"));
const { Decoder } = require(path.join(client, "socket.io-parser"));

function outcome(packet, waits) {
  // The parser calls a binary packet by the type that it will have when it is whole.
  const type = waits ? packet.type + 3 : packet.type;
  const id = packet.id === undefined ? "" : ` id=${packet.id}`;
  const is_list = Array.isArray(packet.data);
  return {
    type, nsp: packet.nsp, id: packet.id ?? null, attachments: waits ? packet.attachments : 0,
    event: (type === 2 || type === 5) && is_list ? packet.data[0] : null,
    arguments: is_list ? packet.data.length : 0,
    text: waits ? `WAIT att=${packet.attachments} type=${type} nsp=${packet.nsp}${id}`
      : `type=${type} nsp=${packet.nsp}${id} data=${JSON.stringify(packet.data)}`,
  };
}

function read(text) {
  const outer = decodePacket(text, "nodebuffer");
  if (outer.type === "error") return { text: "EIO-ERROR" };
  if (outer.type !== "message") return { text: `EIO:${outer.type}${outer.data ? ":" + outer.data : ""}` };
  const decoder = new Decoder();
  let packet = null;
  decoder.on("decoded", (decoded) => (packet = decoded));
  try {
    decoder.add(outer.data);
  } catch (error) {
    return { text: "THROW " + error.message };
  }
  if (packet) return outcome(packet, false);
  const read = outcome(decoder.reconstructor.reconPack, true);
  try {
    for (let i = 0; i < read.attachments && !packet; ++i) {
      read.whole = i + 1 === read.attachments;
      decoder.add(Buffer.from("b" + i));
    }
    read.whole = read.whole && packet !== null;
  } catch (error) {
    read.whole = "THROW " + error.message;
  }
  return read;
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  console.log(JSON.stringify(read(JSON.parse(line))));
});
