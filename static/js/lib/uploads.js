// Brings every piece from the shelf to the clinic, in order, one at a time, for as long as it takes.
//
// A piece leaves the shelf only after the clinic said that it has it. What the patient decided about a take (keep,
// record again) waits on the shelf too, so that it is carried out even when the tab was closed in between.
//
// Events: "progress" {take}            counts changed
//         "kept"     {take, receipt, recordedAt}
//         "full"     {take}            nothing more of it is taken; what arrived can be kept
//         "lost"     {take}            parts are gone on both sides
//         "refused"  {take, detail}    the clinic will not have this take, and says why
//         "network"  {state}           "online", "offline" or "signed-out"
import { sha256 } from "./digest.js";

const FIRST = 500; // ms
const LONGEST = 15_000; // ms
const SIGNED_OUT = 30_000; // ms

// Half of the wait is left to chance, so that a clinic that comes back is not asked by everybody at once.
export function waitBefore(attempt, chance = Math.random) {
  const whole = Math.min(LONGEST, FIRST * 2 ** attempt);
  return whole / 2 + (whole / 2) * chance();
}

class Later extends Error {
  constructor(state, wait) { super(state); Object.assign(this, { state, wait }); }
}

export class Uploads extends EventTarget {
  #attempt = 0;
  #wake = () => {};
  #isAwake = false;
  #isClosed = false;
  #network = "online";

  constructor({ shelf, doors }) {
    super();
    Object.assign(this, { shelf, doors, takes: new Map(), backups: new Map() });
  }

  // Runs until closed.
  async start() {
    while (!this.#isClosed) {
      try {
        const hasWorked = await this.#step();
        this.#attempt = 0;
        if (hasWorked) this.#tellNetwork("online");
        else await this.#rest();
      } catch (problem) {
        if (problem instanceof Later) this.#tellNetwork(problem.state);
        else console.error(problem); // a fault of ours; the pieces are still on the shelf
        await this.#rest(problem.wait ?? waitBefore(this.#attempt++));
      }
    }
  }

  close() {
    this.#isClosed = true;
    this.wake();
  }

  // There is something to do; `now` also ends a wait for a connection.
  wake({ now = false } = {}) {
    this.#isAwake = true;
    this.#wake(now);
  }

  add(take) {
    take.safe ??= 0;
    this.takes.set(take.id, take);
    this.wake();
  }

  // The blobs of a take that is still in the page: sent again should the clinic miss one.
  backUp(take, pieces) {
    this.backups.set(take.id, pieces);
  }

  async decide(take, state) {
    delete take.problem;
    take.state = state;
    await this.shelf.saveTake(take);
    this.add(take);
  }

  async counts(take) {
    return { safe: take.safe, left: await this.shelf.countPieces(take.id) };
  }

  // Whether anything still has to leave this device.
  async isBusy() {
    for (const take of this.takes.values()) {
      if (take.problem) continue;
      if (take.state === "keeping" || take.state === "discarding") return true;
      if (await this.shelf.countPieces(take.id)) return true;
    }
    return false;
  }

  async #step() {
    const takes = [...this.takes.values()];
    const isDiscarding = ({ state }) => state === "discarding"; // first: it makes room for what comes
    for (const take of [...takes.filter(isDiscarding), ...takes.filter((take) => !isDiscarding(take))]) {
      if (!take.problem && (await this.#advance(take))) return true;
    }
    return false;
  }

  // One request for this take; false when there is nothing to do for it now.
  async #advance(take) {
    if (take.state === "discarding") return this.#discard(take);
    const piece = await this.shelf.firstPiece(take.id);
    if (piece && take.isFull && piece.seq >= take.count) return this.#cut(take, take.count);
    if ((piece || take.state === "keeping") && !take.isOpened) return this.#open(take);
    if (piece) return this.#send(take, piece);
    return take.state === "keeping" && this.#complete(take);
  }

  async #open(take) {
    const reply = this.#judge(await this.doors.open(take));
    if (reply.status >= 300) return this.#refuse(take, reply);
    take.isOpened = true;
    await this.shelf.saveTake(take);
    return true;
  }

  async #send(take, piece) {
    const reply = this.#judge(await this.doors.put(piece));
    if (reply.data.code === "AnswerFull") return this.#cut(take, piece.seq);
    if (reply.data.code === "ChunkRefused") return this.#examine(take, piece);
    if (reply.status >= 300) return this.#refuse(take, reply);
    await this.shelf.removePiece(take.id, piece.seq);
    take.safe += 1;
    this.#tell("progress", { take });
    return true;
  }

  async #complete(take) {
    const reply = this.#judge(await this.doors.complete(take));
    if (reply.data.missing) return this.#fetchBack(take, reply.data.missing);
    if (reply.status >= 300) return this.#refuse(take, reply);
    await this.#forget(take);
    this.#tell("kept", { take, receipt: reply.data.receipt, recordedAt: reply.data.recorded_at });
    return true;
  }

  async #discard(take) {
    if (take.isOpened) this.#judge(await this.doors.discard(take)); // a 4xx: it is gone or kept already
    await this.#forget(take);
    return true;
  }

  async #forget(take) {
    await this.shelf.removeTake(take.id);
    this.takes.delete(take.id);
    this.backups.delete(take.id);
  }

  // The clinic misses pieces that it had acknowledged: from the page's memory once more, or they are lost.
  async #fetchBack(take, missing) {
    const blobs = this.backups.get(take.id) ?? [];
    if (missing.some((seq) => !blobs[seq])) return this.#give(take, "lost");
    take.safe -= missing.length;
    for (const seq of missing) {
      const bytes = await blobs[seq].arrayBuffer();
      await this.shelf.addPiece(take, { take: take.id, seq, bytes, size: bytes.byteLength, sha256: await sha256(bytes) });
    }
    return true;
  }

  // Changed on the way, or changed on this device?
  async #examine(take, piece) {
    if ((await sha256(piece.bytes)) === piece.sha256) throw new Later("offline");
    return this.#give(take, "lost");
  }

  // No more room from this piece on: the answer ends before it.
  async #cut(take, seq) {
    take.isFull = true;
    take.count = Math.min(take.count, seq);
    for (const piece of await this.shelf.pieces(take.id)) await this.shelf.removePiece(take.id, piece.seq);
    await this.shelf.saveTake(take);
    this.#tell("full", { take });
    return true;
  }

  #refuse(take, reply) {
    return this.#give(take, "refused", reply.data.detail);
  }

  #give(take, problem, detail) {
    take.problem = problem;
    this.#tell(problem, { take, detail });
    return true;
  }

  // Throws for what may pass by itself: no answer, a clinic in trouble, a session that ended.
  #judge(reply) {
    if (reply.status === 0 || reply.status >= 500 || [408, 425, 429].includes(reply.status)) throw new Later("offline");
    if ([401, 403].includes(reply.status) && reply.data.code !== "ConsentMissing") throw new Later("signed-out", SIGNED_OUT);
    return reply;
  }

  #rest(time) {
    if (time === undefined && this.#isAwake) {
      this.#isAwake = false;
      return undefined;
    }
    this.#isAwake = false;
    return new Promise((resolve) => {
      const timer = time === undefined ? undefined : setTimeout(resolve, time);
      this.#wake = (now) => {
        if (time !== undefined && !now && !this.#isClosed) return;
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #tellNetwork(state) {
    if (state === this.#network) return;
    this.#network = state;
    this.#tell("network", { state });
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
