// One take while it is being made: MediaRecorder → pieces → shelf → uploads.
import { sha256 } from "./digest.js";
import { isAlive, pieces, recorderOf } from "./recording.js";

const SLICE = 1000; // ms

export class LiveTake extends EventTarget {
  #recorder;
  #work = Promise.resolve(); // pieces go through one after the other
  #limits;

  constructor({ stream, interview, answer, shelf, uploads, limits }) {
    super();
    Object.assign(this, { stream, shelf, uploads, blobs: [] });
    this.#limits = limits;
    this.row = {
      id: crypto.randomUUID(), interview, answer, mimeType: "", startedAt: Date.now(),
      state: "recording", count: 0, isOpened: false,
    };
  }

  // Resolves when the recorder really runs; only then is its type known.
  async start() {
    this.#recorder = recorderOf(this.stream, this.#limits);
    const isRunning = new Promise((resolve, reject) => {
      this.#recorder.onstart = resolve;
      this.#recorder.onerror = (event) => reject(event.error ?? event);
    });
    this.#recorder.ondataavailable = ({ data }) => this.#take(data);
    this.#recorder.start(SLICE);
    await isRunning;
    this.#recorder.onerror = () => this.#trouble("recorder-failed");
    this.row.mimeType = this.#recorder.mimeType || "video/webm";
    await this.shelf.saveTake(this.row);
    this.uploads.backUp(this.row, this.blobs);
    this.uploads.add(this.row);
    this.#watch();
  }

  // Resolves when the last piece is on the shelf.
  async stop() {
    if (this.#recorder.state !== "inactive") {
      const isEnded = new Promise((resolve) => { this.#recorder.addEventListener("stop", resolve, { once: true }); });
      this.#recorder.stop();
      await isEnded;
    }
    this.#unwatch();
    await this.#work;
    if (this.row.state === "recording") this.row.state = "stopped";
    await this.shelf.saveTake(this.row);
    this.uploads.wake();
  }

  // The page is being hidden and may not come back: hand over what there is.
  flush() {
    if (this.#recorder?.state === "recording") this.#recorder.requestData();
  }

  get seconds() {
    return (Date.now() - this.row.startedAt) / 1000;
  }

  asBlob() {
    return new Blob(this.blobs, { type: this.row.mimeType });
  }

  #take(blob) {
    if (!isAlive(this.stream)) this.#trouble("camera-ended"); // some browsers end a track without a word
    if (this.seconds > this.#limits.seconds) this.#trouble("long");
    for (const piece of pieces(blob, this.#limits.chunkBytes)) {
      this.#work = this.#work.then(() => this.#shelve(piece));
    }
  }

  async #shelve(blob) {
    const bytes = await blob.arrayBuffer();
    const digest = await sha256(bytes);
    if (this.row.isFull) return;
    const seq = this.row.count;
    const piece = { take: this.row.id, seq, bytes, size: bytes.byteLength, sha256: digest };
    this.blobs[seq] = blob;
    this.row.count = seq + 1;
    await this.shelf.addPiece(this.row, piece); // its transaction begins before anybody else can save the new count
    this.uploads.wake();
    this.dispatchEvent(new CustomEvent("piece", { detail: piece }));
  }

  #watch() {
    this.onEnded = () => this.#trouble("camera-ended");
    this.onMuted = () => this.dispatchEvent(new CustomEvent("paused"));
    this.onUnmuted = () => this.dispatchEvent(new CustomEvent("resumed"));
    for (const track of this.stream.getTracks()) {
      track.addEventListener("ended", this.onEnded);
      track.addEventListener("mute", this.onMuted);
      track.addEventListener("unmute", this.onUnmuted);
    }
  }

  #unwatch() {
    for (const track of this.stream.getTracks()) {
      track.removeEventListener("ended", this.onEnded);
      track.removeEventListener("mute", this.onMuted);
      track.removeEventListener("unmute", this.onUnmuted);
    }
  }

  // Said once: the page stops the take and says why.
  #trouble(word) {
    if (this.hasTrouble) return;
    this.hasTrouble = true;
    this.dispatchEvent(new CustomEvent("trouble", { detail: { word } }));
  }
}
