// A socket that comes back by itself. It only ever says "look": whoever listens reads the state anew on every opening,
// so that nothing said while it was away is missed.
const FIRST = 1000; // ms
const LONGEST = 30_000; // ms

export function socketUrl(path, { protocol, host } = location) {
  return `${protocol === "https:" ? "wss:" : "ws:"}//${host}${path}`;
}

// How long to wait before the given attempt (0 is the first): doubling, with a part left to chance so that a room full
// of pages does not knock at the same moment.
export function delayBefore(attempt, chance = Math.random) {
  const whole = Math.min(LONGEST, FIRST * 2 ** attempt);
  return whole / 2 + (whole / 2) * chance();
}

export class LastingSocket {
  #attempt = 0;
  #closed = false;
  #socket;
  #timer;

  constructor(url, { onOpen = () => {}, onMessage = () => {}, onAway = () => {}, make = (url) => new WebSocket(url) }) {
    Object.assign(this, { url, onOpen, onMessage, onAway, make });
    this.#connect();
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#socket.close();
  }

  // The page woke up or the network came back: do not wait out the rest of the delay.
  knock() {
    if (this.#closed || this.#socket.readyState <= 1) return;
    clearTimeout(this.#timer);
    this.#connect();
  }

  #connect() {
    this.#socket = this.make(this.url);
    this.#socket.onopen = () => { this.#attempt = 0; this.onOpen(); };
    this.#socket.onmessage = ({ data }) => this.onMessage(JSON.parse(data));
    this.#socket.onclose = () => {
      if (this.#closed) return;
      this.onAway();
      this.#timer = setTimeout(() => this.#connect(), delayBefore(this.#attempt++));
    };
  }
}
