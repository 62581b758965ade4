// Keeps a part of the page right while workers work. The socket only says "look"; what is true comes from the server
// as HTML, again after every reconnection and whenever the page comes back into view.
//
// data-socket: the socket's path · data-source: where the fresh HTML comes from · data-away: what to say meanwhile.
// Elements are told apart by their id. One with data-version is replaced only when its version changed, with the
// element of the same id from its own data-source: so a playing video goes on while its transcript arrives.
import { LastingSocket, socketUrl } from "../lib/sockets.js";
import { fetchPart } from "../lib/parts.js";

const AT_MOST_EVERY = 1000; // ms
const WHEN_AWAY = 10_000; // ms between looks while nobody tells us anything
const ANYHOW = 60_000; // ms: a word may get lost on a connection that seems open

class LiveNews extends HTMLElement {
  #looking = false;
  #again = false;
  #last = new Map(); // id → the HTML last seen, so that what did not change stays untouched

  connectedCallback() {
    for (const part of this.querySelectorAll("[id]")) this.#last.set(part.id, plain(part));
    this.socket = new LastingSocket(socketUrl(this.dataset.socket), {
      onOpen: () => this.#say(""),
      onMessage: () => this.#look(),
      onAway: () => this.#say(this.dataset.away),
    });
    this.wake = () => { if (!document.hidden) { this.socket.knock(); this.#look(); } };
    document.addEventListener("visibilitychange", this.wake);
    window.addEventListener("online", this.wake);
    window.addEventListener("pageshow", this.wake);
    this.#wait();
  }

  disconnectedCallback() {
    this.socket.close();
    clearTimeout(this.timer);
    document.removeEventListener("visibilitychange", this.wake);
    window.removeEventListener("online", this.wake);
    window.removeEventListener("pageshow", this.wake);
  }

  #wait() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#look(), this.isAway ? WHEN_AWAY : ANYHOW);
  }

  #say(text) {
    this.isAway = Boolean(text);
    const place = this.querySelector(".live-state");
    if (place && place.textContent !== text) { place.textContent = text; place.hidden = !text; }
    this.#wait();
  }

  async #look() {
    if (this.#looking) { this.#again = true; return; }
    this.#looking = true;
    this.#again = false;
    try {
      const fresh = await fetchPart(this.dataset.source);
      await this.#take(fresh);
      this.dataset.looked = String(Number(this.dataset.looked ?? 0) + 1);
      this.dispatchEvent(new Event("looked")); // for what fetches more than HTML
    } catch (error) {
      console.warn("Could not look:", error.message);
    }
    await new Promise((resolve) => setTimeout(resolve, AT_MOST_EVERY));
    this.#looking = false;
    if (this.#again) this.#look(); else this.#wait();
  }

  async #take(fresh) {
    const sources = new Map(); // one request, however many parts come from it
    for (const part of fresh.querySelectorAll("[id]")) {
      const current = this.querySelector(`#${CSS.escape(part.id)}`);
      if (!current || part.parentElement.closest("[id]")) continue; // its outermost ancestor brings it along
      if (part.dataset.version === undefined) this.#replace(current, part);
      else if (part.dataset.version !== current.dataset.version) {
        const source = part.dataset.source;
        if (!sources.has(source)) sources.set(source, await fetchPart(source));
        const newer = sources.get(source).querySelector(`#${CSS.escape(part.id)}`);
        if (newer) this.#replace(current, newer);
      }
    }
  }

  #replace(current, newer) {
    const html = plain(newer);
    if (this.#last.get(newer.id) === html) return;
    this.#last.set(newer.id, html);
    const focused = current.contains(document.activeElement) ? document.activeElement.id : "";
    current.replaceWith(newer);
    if (focused) document.getElementById(focused)?.focus();
  }
}

// Each answer carries another token in its forms, which is no news.
function plain(element) {
  return element.outerHTML.replaceAll(/(name="csrfmiddlewaretoken" value=")[^"]*/g, "$1");
}

customElements.define("live-news", LiveNews);
