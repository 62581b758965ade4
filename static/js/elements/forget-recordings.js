// After the end nothing more of an interview can be sent: what may still lie on this device is deleted.
import { openShelf } from "../lib/shelf.js";

class ForgetRecordings extends HTMLElement {
  async connectedCallback() {
    const shelf = await openShelf();
    for (const take of await shelf.takes(Number(this.dataset.interview))) await shelf.removeTake(take.id);
    this.dataset.state = "done";
  }
}
customElements.define("forget-recordings", ForgetRecordings);
