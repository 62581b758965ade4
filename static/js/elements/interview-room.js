// The interview: one question a screen, one camera for all of them, and nothing lost between them.
import { isAlive, obstacle, openCamera, closeCamera, wordFor } from "../lib/recording.js";
import { doors } from "../lib/recordings.js";
import { openShelf } from "../lib/shelf.js";
import { show } from "../lib/showing.js";
import { Uploads } from "../lib/uploads.js";
import { wordsOf } from "../lib/words.js";

class InterviewRoom extends HTMLElement {
  async connectedCallback() {
    this.say = wordsOf(this);
    this.interview = Number(this.dataset.interview);
    this.recorder = this.querySelector("answer-recorder");
    this.questions = [...this.querySelectorAll("[data-question]")];
    this.network = this.#part("network");
    const problem = obstacle();
    if (problem) return this.#close(problem);
    if (!(await this.#isOnlyTab())) return this.#close("elsewhere");
    return this.#open();
  }

  disconnectedCallback() {
    closeCamera(this.stream);
    this.uploads?.close();
    this.leave?.();
  }

  async #open() {
    this.shelf = await openShelf();
    this.uploads = new Uploads({ shelf: this.shelf, doors });
    this.replies = this.questions.map((question) => replyOf(question, this.interview));
    await this.#pickUp();
    this.#equip();
    this.uploads.start();
    show(this, "open");
    this.#part("steps").hidden = false;
    this.recorder.hidden = false;
    this.#goTo(this.#firstOpen(), { isFirst: true });
    if (!this.shelf.isLasting) this.#warn("memory");
    if (this.replies.some((reply) => ["waiting", "undecided"].includes(reply.state))) await this.#startCamera();
  }

  // Two tabs of one interview would record over each other: the second says so. The lock ends with its tab.
  #isOnlyTab() {
    if (!navigator.locks) return true;
    return new Promise((resolve) => {
      navigator.locks.request(`interview-${this.interview}`, { ifAvailable: true }, (lock) => {
        resolve(Boolean(lock));
        return lock ? new Promise((leave) => { this.leave = leave; }) : undefined;
      });
    });
  }

  // What an earlier visit left on the shelf. The newest take of an answer counts; older ones give way to it.
  async #pickUp() {
    const takes = await this.shelf.takes(this.interview);
    for (const take of takes.reverse()) {
      const reply = this.replies.find(({ answer }) => answer === take.answer);
      delete take.problem;
      const pieces = await this.shelf.pieces(take.id);
      take.count = Math.max(take.count, (pieces.at(-1)?.seq ?? -1) + 1);
      take.safe = take.count - pieces.length;
      if (!reply || (take.state !== "keeping" && reply.state === "kept") || reply.isPickedUp || take.count === 0) {
        take.state = "discarding";
      }
      if (take.state === "recording") take.state = "stopped";
      await this.shelf.saveTake(take);
      this.uploads.add(take);
      if (take.state === "discarding") {
        if (reply?.take?.id === take.id) Object.assign(reply, { take: undefined, state: "waiting" });
        continue;
      }
      Object.assign(reply, { take, isPickedUp: true, state: take.state === "keeping" ? "sending" : "undecided" });
    }
  }

  #equip() {
    const { videoBits, audioBits, chunkBytes, seconds } = this.dataset;
    const limits = {
      videoBits: Number(videoBits), audioBits: Number(audioBits), chunkBytes: Number(chunkBytes), seconds: Number(seconds),
    };
    const announce = (word, values) => { this.#part("announce").textContent = this.say(word, values); };
    this.recorder.equip({ room: this.interview, say: this.say, shelf: this.shelf, uploads: this.uploads, limits, announce });
    this.recorder.addEventListener("recording", () => this.#voice()?.stop());
    this.recorder.addEventListener("next", () => this.#goTo(this.place + 1));
    this.recorder.addEventListener("skip", () => this.#goTo(this.place + 1));
    this.recorder.addEventListener("camera", () => this.#startCamera());
    this.recorder.addEventListener("camera-ended", () => this.#startCamera());
    this.uploads.addEventListener("kept", ({ detail }) => this.#keep(detail, announce));
    for (const type of ["lost", "refused"]) this.uploads.addEventListener(type, ({ detail }) => this.#reopen(detail.take));
    this.uploads.addEventListener("network", ({ detail }) => this.#warn(detail.state));
    this.addEventListener("click", ({ target }) => this.#step(target));
    this.#part("finish").addEventListener("submit", (event) => this.#finish(event));
    addEventListener("online", () => this.uploads.wake({ now: true }));
    addEventListener("pagehide", () => this.recorder.live?.flush());
    addEventListener("beforeunload", (event) => this.#mayLeave(event));
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.recorder.live?.flush();
      else this.uploads.wake({ now: true });
    });
    setInterval(() => this.#lookAround(), 1000);
  }

  async #startCamera() {
    if (isAlive(this.stream)) return;
    closeCamera(this.stream);
    try {
      this.stream = await openCamera();
      this.recorder.seeThrough(this.stream);
    } catch (error) {
      this.recorder.trouble(this.say(wordFor(error)), { isCamera: true });
    }
  }

  #step(target) {
    const go = target.closest("[data-go]")?.dataset.go;
    if (go) this.#goTo(Number(go));
    if (target.closest("[data-do=previous]")) this.#goTo(this.place - 1);
  }

  // Show a question by its number; the one after the last is the summary.
  async #goTo(place, { isFirst = false } = {}) {
    if (this.recorder.isRecording) await this.recorder.stop();
    this.#voice()?.stop();
    this.place = Math.min(Math.max(place, 1), this.questions.length + 1);
    const question = this.questions[this.place - 1];
    for (const each of this.questions) each.hidden = each !== question;
    this.#part("summary").hidden = Boolean(question);
    this.recorder.hidden = !question;
    this.querySelector("[data-do=previous]").hidden = this.place === 1;
    const title = (question ?? this.#part("summary")).querySelector("h1");
    scrollTo({ top: 0 });
    if (!isFirst || !document.activeElement || document.activeElement === document.body) title.focus({ preventScroll: true });
    if (!question) return this.#sumUp();
    const reply = this.replies[this.place - 1];
    await this.recorder.turnTo(reply);
    if (reply.state === "undecided") title.focus({ preventScroll: true });
    if (reply.state === "waiting") this.#voice()?.play();
    return undefined;
  }

  #firstOpen() {
    const place = this.replies.findIndex(({ state }) => ["waiting", "undecided"].includes(state));
    return place < 0 ? this.questions.length + 1 : place + 1;
  }

  #voice() { return this.questions[(this.place ?? 1) - 1]?.querySelector("question-voice"); }

  #keep({ take, receipt, recordedAt }, announce) {
    const reply = this.replies.find(({ answer }) => answer === take.answer);
    Object.assign(reply, { state: "kept", receipt, recordedAt });
    announce("kept", { receipt });
    if (this.replies[this.place - 1] === reply) this.recorder.showKept();
    if (!this.#part("summary").hidden) this.#sumUp();
  }

  // A kept take that the clinic will not have, or that lost parts: the question is open again.
  #reopen(take) {
    const reply = this.replies.find(({ answer }) => answer === take.answer);
    if (reply?.take?.id === take.id && reply.state === "sending") reply.state = "undecided";
    if (!this.#part("summary").hidden) this.#sumUp();
  }

  #sumUp() {
    for (const reply of this.replies) {
      const row = this.querySelector(`[data-summary="${reply.answer}"]`);
      const said = row.querySelector("[data-part=summary-state]");
      said.textContent = reply.state === "kept" ? reply.receipt : this.say(`state-${reply.state}`);
      said.classList.toggle("mono", reply.state === "kept");
    }
    const count = this.replies.filter(({ state }) => state === "waiting").length;
    this.#part("summary-text").textContent = this.say(count ? "unanswered" : "all-answered", { count });
    const wait = this.#obstacle();
    this.#part("finish-text").textContent = wait ? this.say(wait) : "";
    this.#part("finish").querySelector("button").setAttribute("aria-disabled", String(Boolean(wait)));
  }

  // Why the interview cannot be finished yet, as a word.
  #obstacle() {
    if (this.replies.some(({ state }) => state === "undecided")) return "undecided";
    return this.replies.some(({ state }) => state === "sending") ? "still-sending" : undefined;
  }

  #finish(event) {
    if (this.#obstacle()) event.preventDefault();
    else this.isLeaving = true;
  }

  async #lookAround() {
    this.isBusy = await this.uploads.isBusy();
    if (!this.shelf.isLasting && this.network.hidden) this.#warn("memory");
  }

  #mayLeave(event) {
    const isUnsafe = this.recorder.isRecording || this.isBusy || this.replies.some(({ state }) => state === "sending");
    if (isUnsafe && !this.isLeaving) event.preventDefault();
  }

  #warn(word) {
    const isCalm = word === "online";
    this.network.hidden = isCalm && this.shelf.isLasting;
    this.network.textContent = isCalm ? (this.shelf.isLasting ? "" : this.say("memory")) : this.say(word);
  }

  #close(word) {
    show(this, "closed");
    this.network.hidden = false;
    this.network.textContent = this.say(word);
  }

  #part(name) { return this.querySelector(`:scope [data-part="${name}"]`); }
}

// How a question stands, as the server knew it when it made the page.
function replyOf({ dataset }, interview) {
  const reply = { answer: Number(dataset.answer), state: "waiting" };
  if (dataset.receipt) return { ...reply, state: "kept", receipt: dataset.receipt, recordedAt: dataset.recordedAt };
  if (!dataset.take) return reply;
  const count = Number(dataset.takeCount);
  const take = {
    id: dataset.take, interview, answer: reply.answer, mimeType: dataset.takeType, startedAt: 0, state: "stopped",
    count, safe: count, isOpened: true,
  };
  return { ...reply, state: "undecided", take };
}
customElements.define("interview-room", InterviewRoom);
