// Where pieces wait until the clinic has them: IndexedDB, which survives a closed tab; the page's memory where that is blocked.
//
// A take:  {id, interview, answer, mimeType, startedAt, state, count, isOpened}
//          state: "recording", "stopped", "keeping" or "discarding"; count: pieces made so far
// A piece: {take, seq, bytes, size, sha256}
const NAME = "anamnesis-recordings";

export async function openShelf(factory = globalThis.indexedDB) {
  try {
    return new Shelf(await openDatabase(factory));
  } catch {
    return new Shelf(null);
  }
}

class Shelf {
  #disk;
  #memory = { takes: new Map(), pieces: new Map() };

  constructor(disk) {
    this.#disk = disk;
    this.isLasting = disk !== null;
  }

  async takes(interview) {
    const kept = await this.#ask((disk) => request(disk.transaction("takes").objectStore("takes").getAll()), []);
    const all = new Map(kept.map((take) => [take.id, take]));
    for (const take of this.#memory.takes.values()) all.set(take.id, take);
    return [...all.values()].filter((take) => take.interview === interview).sort((a, b) => a.startedAt - b.startedAt);
  }

  async saveTake(take) {
    const row = { ...take };
    const isKept = await this.#write(["takes"], (disk) => disk.objectStore("takes").put(row));
    if (!isKept || this.#memory.takes.has(take.id)) this.#memory.takes.set(take.id, row);
  }

  // The piece and the new count of its take, in one step: after a crash the two agree.
  async addPiece(take, piece) {
    const row = { ...take };
    const isKept = await this.#write(["takes", "pieces"], (disk) => {
      disk.objectStore("takes").put(row);
      disk.objectStore("pieces").put(piece);
    });
    if (isKept) return;
    this.#memory.takes.set(take.id, row);
    this.#memory.pieces.set(`${piece.take}/${piece.seq}`, piece);
  }

  async pieces(take) {
    const range = globalThis.IDBKeyRange?.bound([take, 0], [take, Infinity]);
    const kept = await this.#ask((disk) => request(disk.transaction("pieces").objectStore("pieces").getAll(range)), []);
    return [...kept, ...this.#inMemory(take)].sort((a, b) => a.seq - b.seq);
  }

  async firstPiece(take) {
    const range = globalThis.IDBKeyRange?.bound([take, 0], [take, Infinity]);
    const kept = await this.#ask((disk) => request(disk.transaction("pieces").objectStore("pieces").get(range)));
    return [kept, ...this.#inMemory(take)].filter(Boolean).sort((a, b) => a.seq - b.seq)[0];
  }

  async countPieces(take) {
    const range = globalThis.IDBKeyRange?.bound([take, 0], [take, Infinity]);
    const kept = await this.#ask((disk) => request(disk.transaction("pieces").objectStore("pieces").count(range)), 0);
    return kept + this.#inMemory(take).length;
  }

  async removePiece(take, seq) {
    this.#memory.pieces.delete(`${take}/${seq}`);
    await this.#write(["pieces"], (disk) => disk.objectStore("pieces").delete([take, seq]));
  }

  async removeTake(take) {
    for (const piece of this.#inMemory(take)) this.#memory.pieces.delete(`${take}/${piece.seq}`);
    this.#memory.takes.delete(take);
    await this.#write(["takes", "pieces"], (disk) => {
      disk.objectStore("takes").delete(take);
      disk.objectStore("pieces").delete(IDBKeyRange.bound([take, 0], [take, Infinity]));
    });
  }

  #inMemory(take) {
    return [...this.#memory.pieces.values()].filter((piece) => piece.take === take);
  }

  async #ask(question, otherwise) {
    if (!this.#disk) return otherwise;
    try {
      return await question(this.#disk);
    } catch {
      this.isLasting = false;
      return otherwise;
    }
  }

  // Whether it was written. Strict: on the disk itself before we go on.
  async #write(stores, change) {
    if (!this.#disk) return false;
    try {
      const transaction = this.#disk.transaction(stores, "readwrite", { durability: "strict" });
      const ended = new Promise((resolve, reject) => {
        transaction.oncomplete = resolve;
        transaction.onabort = transaction.onerror = () => reject(transaction.error);
      });
      change(transaction);
      await ended;
      return true;
    } catch {
      this.isLasting = false;
      return false;
    }
  }
}

function openDatabase(factory) {
  return new Promise((resolve, reject) => {
    const opening = factory.open(NAME, 1);
    opening.onupgradeneeded = () => {
      opening.result.createObjectStore("takes", { keyPath: "id" });
      opening.result.createObjectStore("pieces", { keyPath: ["take", "seq"] });
    };
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = opening.onblocked = () => reject(opening.error ?? new Error("blocked"));
  });
}

function request(asked) {
  return new Promise((resolve, reject) => {
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}
