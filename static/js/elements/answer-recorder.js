// The recorder of one answer at a time: record, stop, listen, keep or record again. The room tells it which answer.
//
// Events to the room: "decided" when a take is kept, "next" and "skip" for the buttons of that name.
import { findLength } from "../lib/recording.js";
import { arrived } from "../lib/recordings.js";
import { show } from "../lib/showing.js";
import { LiveTake } from "../lib/take.js";

class AnswerRecorder extends HTMLElement {
  connectedCallback() {
    this.preview = this.#part("preview");
    this.playback = this.#part("playback");
    this.level = this.querySelector("level-meter");
    this.addEventListener("click", ({ target }) => this.#do(target.closest("[data-do]")?.dataset.do));
  }

  // Once, by the room: what it works with.
  equip({ room, say, shelf, uploads, limits, announce }) {
    Object.assign(this, { room, say, shelf, uploads, limits, announce });
    uploads.addEventListener("progress", ({ detail }) => this.#isMine(detail.take) && this.showCounts());
    uploads.addEventListener("full", ({ detail }) => this.#isMine(detail.take) && this.#breakOff("full"));
    uploads.addEventListener("lost", ({ detail }) => this.#isMine(detail.take) && this.#giveUp(this.say("lost")));
    uploads.addEventListener("refused", ({ detail }) => this.#isMine(detail.take) && this.#giveUp(detail.detail));
  }

  get isRecording() { return this.dataset.state === "recording"; }

  seeThrough(stream) {
    this.stream = stream;
    this.preview.srcObject = stream;
    this.preview.play().catch(() => {});
    this.level.listen(stream);
    this.querySelector("[data-do=record]").disabled = false;
    this.quiet();
  }

  // Show the answer of a question as it stands: {answer, state, take, receipt, recordedAt}
  async turnTo(reply) {
    this.reply = reply;
    this.live = undefined;
    this.quiet();
    this.#remark();
    if (reply.state === "undecided") await this.#review("interrupted");
    else if (reply.state === "waiting") show(this, "waiting");
    else this.showKept();
    this.querySelector("[data-do=record]").disabled = !this.stream;
  }

  showKept() {
    const isKept = this.reply.state === "kept";
    show(this, isKept ? "kept" : "sending");
    this.#part("kept").textContent = this.say(this.reply.state === "kept" ? "kept" : "keeping", this.reply);
    this.#part("received").textContent = isKept ? this.say("at", { time: clock(this.reply.recordedAt) }) : "";
    this.showCounts();
  }

  async showCounts() {
    const take = this.live?.row ?? this.reply.take;
    if (!take) return;
    const counts = await this.uploads.counts(take);
    const isAll = counts.left === 0 && !this.isRecording;
    this.#part("parts").textContent = this.say(isAll ? "counts-done" : "counts", counts);
  }

  trouble(text, { isCamera = false } = {}) {
    this.#part("trouble-text").textContent = text;
    this.#part("trouble").hidden = false;
    this.#part("camera-again").hidden = !isCamera;
    if (isCamera) this.querySelector("[data-do=record]").disabled = true;
  }

  quiet() { this.#part("trouble").hidden = true; }

  #do(action) {
    if (action === "record") this.#record();
    if (action === "stop") this.stop();
    if (action === "listen") this.playback.play();
    if (action === "keep") this.#keep();
    if (action === "again") this.#again();
    if (action === "back") this.#review("stopped");
    if (["next", "skip", "camera"].includes(action)) this.dispatchEvent(new CustomEvent(action));
  }

  async #record() {
    const button = this.querySelector("[data-do=record]");
    if (button.disabled) return;
    button.disabled = true;
    this.quiet();
    this.#remark();
    this.dispatchEvent(new CustomEvent("recording"));
    const before = this.reply.take;
    const live = new LiveTake({
      stream: this.stream, interview: this.room, answer: this.reply.answer,
      shelf: this.shelf, uploads: this.uploads, limits: this.limits,
    });
    try {
      await live.start();
    } catch {
      button.disabled = false;
      return this.trouble(this.say("unknown"), { isCamera: true });
    }
    button.disabled = false;
    this.live = live;
    this.reply.take = live.row;
    if (before) await this.uploads.decide(before, "discarding");
    live.addEventListener("piece", () => this.showCounts());
    live.addEventListener("trouble", ({ detail }) => this.#breakOff(detail.word));
    live.addEventListener("paused", () => this.#remark("camera-paused"));
    live.addEventListener("resumed", () => this.#remark());
    show(this, "recording");
    this.announce("recording");
    this.#part("parts").textContent = "";
    this.#tick();
    this.querySelector("[data-do=stop]").focus();
    this.wakeLock = await navigator.wakeLock?.request("screen").catch(() => undefined);
    return undefined;
  }

  async stop(word = "stopped") {
    if (!this.isRecording || this.isStopping) return;
    this.isStopping = true;
    clearInterval(this.ticking);
    await this.live.stop();
    this.isStopping = false;
    this.wakeLock?.release();
    this.reply.state = "undecided";
    if (this.live.row.count === 0) {
      await this.uploads.decide(this.live.row, "discarding");
      Object.assign(this.reply, { state: "waiting", take: undefined });
      show(this, "waiting");
      this.trouble(this.say("empty"));
      return;
    }
    this.announce(word);
    await this.#review(word);
  }

  async #breakOff(word) {
    await this.stop(word);
    this.#remark(word);
    if (word === "camera-ended") this.dispatchEvent(new CustomEvent("camera-ended"));
  }

  // Listen to what was recorded: from this page, or from what the clinic and the shelf hold of it.
  async #review(word) {
    show(this, "review");
    const said = this.#part("said");
    said.textContent = this.say(word);
    said.focus();
    this.showCounts();
    const take = this.reply.take;
    const clip = this.live ? this.live.asBlob() : await this.#gather(take);
    if (this.reply.take !== take) return;
    URL.revokeObjectURL(this.playback.src);
    this.playback.hidden = !clip;
    if (!clip) return this.#remark("no-preview");
    findLength(this.playback);
    this.playback.src = URL.createObjectURL(clip);
  }

  // What the clinic has comes first, because pieces are sent in order; what is still here comes after it.
  async #gather(take) {
    const here = await this.shelf.pieces(take.id);
    const there = here[0]?.seq === 0 ? undefined : await arrived(take.id);
    const isWhole = there ? true : here[0]?.seq === 0;
    return isWhole ? new Blob([...(there ? [there] : []), ...here.map((piece) => piece.bytes)], { type: take.mimeType }) : undefined;
  }

  #again() {
    this.playback.pause();
    this.#remark();
    show(this, "again");
    this.querySelector("[data-do=record]").focus();
  }

  async #keep() {
    this.playback.pause();
    this.#remark();
    this.reply.state = "sending";
    await this.uploads.decide(this.reply.take, "keeping");
    if (this.reply.state === "sending") this.showKept();
    this.#part("kept").focus();
    this.dispatchEvent(new CustomEvent("decided"));
  }

  #giveUp(text) {
    if (this.isRecording) this.stop();
    this.reply.state = "undecided";
    show(this, "again");
    this.trouble(text);
  }

  #remark(word) {
    const remark = this.#part("remark");
    remark.hidden = !word;
    remark.textContent = word ? this.say(word) : "";
  }

  #tick() {
    const face = this.#part("clock");
    const turn = () => {
      const seconds = Math.floor(this.live.seconds);
      face.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    };
    turn();
    this.ticking = setInterval(turn, 1000);
  }

  #isMine(take) { return this.reply?.take?.id === take.id; }

  #part(name) { return this.querySelector(`[data-part="${name}"]`); }
}

function clock(time) {
  const language = `${document.documentElement.lang}-u-nu-latn`; // the digits that the server writes, too
  return new Date(time).toLocaleString(language, { dateStyle: "long", timeStyle: "short" });
}
customElements.define("answer-recorder", AnswerRecorder);
