// A form with files: brought in parts, with a meter, and then handed over. Without this script the form itself sends
// what fits into one request.
//
// data-then: where the uploads go · data-field: under which name ("uploads" a list, "upload" a single one)
// data-page: the page to go to, with {id} of what came back · data-trouble: what to say when nothing answers
import { ask, bring, Refused } from "../lib/bringing.js";

class BringFiles extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    this.form.addEventListener("submit", (event) => this.#send(event));
    this.querySelector("[data-do=cancel]")?.addEventListener("click", () => this.aborter?.abort());
  }

  async #send(event) {
    const files = [...this.form.querySelector("input[type=file]").files];
    if (!files.length) return; // the browser, or the server, says what is missing
    event.preventDefault();
    await this.deliver(files, (file) => file.name);
  }

  // Also called by whoever made a file itself: a recorder.
  async deliver(files, nameOf = () => "") {
    this.aborter = new AbortController();
    const { signal } = this.aborter;
    this.#busy(true);
    try {
      const ids = [];
      for (const [place, file] of files.entries()) {
        const onShare = (share) => this.#show((place + share) / files.length);
        const name = this.dataset.field === "upload" ? nameOf(file) : "";
        ids.push(await bring(file, { name, onShare, signal }));
      }
      const told = this.dataset.field === "upload" ? { upload: ids[0] } : { uploads: ids, pack: this.#pack() };
      const made = await ask("POST", this.dataset.then, { json: told, signal });
      location.assign(this.dataset.page.replace("{id}", made.id ?? ""));
    } catch (error) {
      this.#busy(false);
      if (error.name !== "AbortError") this.#fail(error instanceof Refused ? error.message : this.dataset.trouble);
    }
  }

  #pack() {
    const chosen = this.form.querySelector("[name=pack]")?.value;
    return chosen ? Number(chosen) : null;
  }

  #show(share) {
    const meter = this.querySelector("[data-part=progress] progress");
    meter.value = Math.round(share * 100);
    meter.parentElement.querySelector("[aria-hidden]").textContent = `${meter.value} %`;
  }

  #busy(is) {
    this.toggleAttribute("data-busy", is);
    this.querySelector("[data-part=progress]").hidden = !is;
    for (const control of this.form.querySelectorAll("button:not([data-do]), input, select")) control.disabled = is;
    if (is) { this.#show(0); this.querySelector("[data-part=trouble]").hidden = true; }
  }

  #fail(text) {
    const trouble = this.querySelector("[data-part=trouble]");
    trouble.firstElementChild.textContent = text;
    trouble.hidden = false;
  }
}
customElements.define("bring-files", BringFiles);
