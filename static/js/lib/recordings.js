// The clinic's doors for recordings. Each answers {status, data}; the status is 0 when no answer came.
import { csrfToken } from "./csrf.js";
import { contentDigest } from "./digest.js";

const PATIENCE = 20_000; // ms for an answer, and more for large bodies: a slow line still gets them through
const SLOWEST = 4; // bytes a ms

export const doors = {
  open: (take) => post(`/api/answers/${take.answer}/recordings/`, { id: take.id, mime_type: take.mimeType }),
  put: (piece) =>
    ask("PUT", `/api/recordings/${piece.take}/chunks/${piece.seq}`, {
      body: piece.bytes,
      headers: { "Content-Type": "application/octet-stream", "Content-Digest": contentDigest(piece.sha256) },
    }),
  complete: (take) => post(`/api/recordings/${take.id}/complete`, { chunks: take.count }),
  discard: (take) => post(`/api/recordings/${take.id}/discard`, {}),
};

// What has arrived of a take, to listen to after coming back; undefined when the clinic does not answer.
export async function arrived(take) {
  try {
    const response = await fetch(`/api/recordings/${take}/take`);
    return response.ok ? await response.blob() : undefined;
  } catch {
    return undefined;
  }
}

function post(path, data) {
  return ask("POST", path, { body: JSON.stringify(data), headers: { "Content-Type": "application/json" } });
}

async function ask(method, path, { body, headers }) {
  const size = body.byteLength ?? body.length;
  try {
    const response = await fetch(path, {
      method, body,
      headers: { ...headers, Accept: "application/json", "X-CSRFToken": csrfToken() },
      signal: AbortSignal.timeout(PATIENCE + size / SLOWEST),
    });
    return { status: response.status, data: await response.json().catch(() => ({})) };
  } catch {
    return { status: 0, data: {} };
  }
}
