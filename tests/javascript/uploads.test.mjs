// In which order takes leave the device.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Uploads } from "../../static/js/lib/uploads.js";

const done = { status: 200, data: {} };

test("a take made again is discarded before more of the new one is sent, or the clinic might have no room", async () => {
  const asked = [];
  const pieces = [{ take: "new", seq: 0 }, { take: "new", seq: 1 }];
  const shelf = {
    firstPiece: async (id) => pieces.find(({ take }) => take === id),
    removePiece: async () => { pieces.shift(); },
    removeTake: async () => {},
  };
  const doors = {
    put: async ({ seq }) => { asked.push(`put ${seq}`); return done; },
    discard: async ({ id }) => { asked.push(`discard ${id}`); return done; },
  };
  const uploads = new Uploads({ shelf, doors });
  uploads.add({ id: "new", state: "recording", isOpened: true });
  uploads.add({ id: "old", state: "discarding", isOpened: true });
  uploads.addEventListener("progress", () => { if (!pieces.length) uploads.close(); });
  await uploads.start();
  assert.deepEqual(asked, ["discard old", "put 0", "put 1"]);
});
