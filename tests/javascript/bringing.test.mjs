// A file in parts: each once, in order, again after a fault, and a refusal is told in the clinic's words.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, bring, Refused, sentenceOf } from "../../static/js/lib/bringing.js";

function clinic({ partBytes = 4, faults = [] } = {}) {
  const sent = [];
  const send = async (method, path, { json, body } = {}) => {
    sent.push(body ? `${method} ${path} ${await body.text()}` : `${method} ${path} ${JSON.stringify(json)}`);
    const fault = faults.shift();
    if (fault) throw fault;
    return json ? { id: "u1", part_bytes: partBytes, parts: Math.ceil(json.size / partBytes) } : {};
  };
  return { sent, send };
}

test("a file goes in parts, in order, the last one shorter", async () => {
  const { sent, send } = clinic(), shares = [];
  assert.equal(await bring(new Blob(["abcdefghij"]), { name: "x", send, onShare: (share) => shares.push(share) }), "u1");
  assert.deepEqual(sent, [
    'POST /api/uploads/ {"size":10,"name":"x"}',
    "PUT /api/uploads/u1/parts/0 abcd",
    "PUT /api/uploads/u1/parts/1 efgh",
    "PUT /api/uploads/u1/parts/2 ij",
  ]);
  assert.deepEqual(shares, [0.4, 0.8, 1]);
});

test("a refusal ends it with the clinic's own sentence", async () => {
  const { sent, send } = clinic({ faults: [new Refused("This file is empty.")] });
  await assert.rejects(bring(new Blob([""]), { send }), { message: "This file is empty." });
  assert.equal(sent.length, 1);
});

test("a fault that may pass is tried again, a refusal is not", async () => {
  globalThis.document = { cookie: "csrftoken=t" };
  const answers = [503, 200];
  globalThis.fetch = async () => {
    const status = answers.shift();
    return { status, ok: status === 200, json: async () => ({ id: 1 }) };
  };
  assert.deepEqual(await ask("POST", "/api/trials/", { json: {} }), { id: 1 });
  globalThis.fetch = async () => ({ status: 409, ok: false, json: async () => ({ detail: "No.", code: "TrialRefused" }) });
  await assert.rejects(ask("POST", "/api/trials/", { json: {} }), Refused);
});

test("what is wrong with a form's field is a sentence, too", () => {
  assert.equal(sentenceOf({ detail: "No." }), "No.");
  assert.equal(sentenceOf({ size: ["Ensure this value is at least 0."] }), "Ensure this value is at least 0.");
  assert.equal(sentenceOf({ uploads: { 0: ["Must be a valid UUID."] } }), undefined);
  assert.equal(sentenceOf({}), undefined);
});
