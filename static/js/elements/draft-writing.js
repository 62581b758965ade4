// A draft growing while a language model writes it. Each message holds all of the newest answers' sentences, so that a
// lost one costs nothing; what is true is the report itself: when the page shows one, this is over.
//
// data-socket: the socket's path · <template data-words>: what sections are called · [data-lines]: where they go
import { LastingSocket, socketUrl } from "../lib/sockets.js";
import { wordsOf } from "../lib/words.js";

class DraftWriting extends HTMLElement {
  connectedCallback() {
    this.words = wordsOf(this);
    this.socket = new LastingSocket(socketUrl(this.dataset.socket), { onMessage: (news) => this.#show(news) });
    this.news = this.closest("live-news");
    this.looked = () => { if (this.#isDone) this.#clear(); };
    this.news?.addEventListener("looked", this.looked);
  }

  disconnectedCallback() {
    this.socket.close();
    this.news?.removeEventListener("looked", this.looked);
  }

  get #isDone() { return Boolean(document.querySelector("#report-place lazy-part")); }

  #clear() {
    this.hidden = true;
    this.querySelector("[data-lines]").replaceChildren();
  }

  #show({ blocks }) {
    const written = blocks?.filter(({ lines }) => lines.length);
    if (!written?.length) return;
    this.querySelector("[data-lines]").replaceChildren(...written.map((block) => this.#block(block)));
    this.hidden = false;
  }

  #block({ answer, lines }) {
    const block = document.createElement("section");
    if (answer !== null) block.append(made("h3", this.words("answer", { number: answer })));
    for (const section of new Set(lines.map(([name]) => name))) {
      const list = document.createElement("ul");
      list.append(...lines.filter(([name]) => name === section).map(([, text]) => made("li", text)));
      block.append(made("h4", this.words(section)), list);
    }
    return block;
  }
}

// As text: nothing that a model wrote becomes markup.
function made(tag, text) {
  const element = document.createElement(tag);
  element.dir = "auto";
  element.textContent = text;
  return element;
}

customElements.define("draft-writing", DraftWriting);
