// A socket that comes back by itself.
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { csrfToken } from "../../static/js/lib/csrf.js";
import { LastingSocket, delayBefore, socketUrl } from "../../static/js/lib/sockets.js";

function lasting(listeners = {}) {
  const made = [];
  const make = () => { made.push({ readyState: 0, close() { this.readyState = 3; } }); return made.at(-1); };
  return { socket: new LastingSocket("ws://here/", { ...listeners, make }), made };
}

test("a page over https asks for wss", () => {
  assert.equal(socketUrl("/ws/", { protocol: "https:", host: "clinic.example" }), "wss://clinic.example/ws/");
  assert.equal(socketUrl("/ws/", { protocol: "http:", host: "127.0.0.1:8000" }), "ws://127.0.0.1:8000/ws/");
});

test("delays double up to half a minute, and no two pages wait alike", () => {
  assert.deepEqual([0, 1, 2, 9].map((attempt) => delayBefore(attempt, () => 1)), [1000, 2000, 4000, 30_000]);
  assert.equal(delayBefore(0, () => 0), 500);
});

test("it comes back after being cut off, and says that it was away", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  let away = 0;
  const { made } = lasting({ onAway: () => away++ });
  made[0].onclose();
  mock.timers.tick(1000);
  assert.deepEqual([made.length, away], [2, 1]);
  mock.timers.reset();
});

test("after an opening the delays begin anew", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { made } = lasting();
  for (let cut = 0; cut < 5; cut++) { made.at(-1).onclose(); mock.timers.tick(30_000); }
  made.at(-1).onopen();
  made.at(-1).onclose();
  mock.timers.tick(1000);
  assert.equal(made.length, 7);
  mock.timers.reset();
});

test("closed on purpose it stays closed", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { socket, made } = lasting();
  socket.close();
  made[0].onclose();
  mock.timers.tick(60_000);
  socket.knock();
  assert.equal(made.length, 1);
  mock.timers.reset();
});

test("a knock comes back at once, but not twice", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { socket, made } = lasting();
  made[0].readyState = 3;
  made[0].onclose();
  socket.knock();
  socket.knock();
  mock.timers.tick(60_000);
  assert.equal(made.length, 2);
  mock.timers.reset();
});

test("the token is read from among other cookies", () => {
  assert.equal(csrfToken("theme=dark; csrftoken=a%3Db; x=1"), "a=b");
  assert.equal(csrfToken("theme=dark"), "");
});
