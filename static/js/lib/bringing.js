// A file to the clinic in parts, however large it is. A part that did not arrive is sent again a few times.
import { csrfToken } from "./csrf.js";

const TRIES = 4;
const FIRST_WAIT = 800; // ms, doubled with each try

export class Refused extends Error {}

// Resolves with the upload's id. `name` is kept with a checkpoint only: a clip's name may be a person's.
export async function bring(file, { name = "", onShare = () => {}, signal, send = ask } = {}) {
  const upload = await send("POST", "/api/uploads/", { json: { size: file.size, name }, signal });
  for (let part = 0; part < upload.parts; part++) {
    const start = part * upload.part_bytes;
    await send("PUT", `/api/uploads/${upload.id}/parts/${part}`, { body: file.slice(start, start + upload.part_bytes), signal });
    onShare(Math.min(1, (start + upload.part_bytes) / file.size));
  }
  return upload.id;
}

// What the clinic answers, as data. Throws Refused with its sentence, or the network's own error after some tries.
export async function ask(method, path, { json, body, signal } = {}) {
  const headers = { Accept: "application/json", "X-CSRFToken": csrfToken() };
  headers["Content-Type"] = json ? "application/json" : "application/octet-stream";
  for (let attempt = 1; ; attempt++) {
    try {
      const response = await fetch(path, { method, headers, body: json ? JSON.stringify(json) : body, signal });
      if (response.status === 204) return {};
      const data = await response.json().catch(() => ({}));
      if (response.ok) return data;
      if (response.status < 500 && response.status !== 429) throw new Refused(sentenceOf(data) ?? String(response.status));
      throw new Error(String(response.status));
    } catch (error) {
      if (error instanceof Refused || error.name === "AbortError" || attempt === TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, FIRST_WAIT * 2 ** (attempt - 1)));
    }
  }
}

// {"detail": "…"} of a refusal, or {"field": ["…"]} of a form.
export function sentenceOf(data) {
  if (typeof data.detail === "string") return data.detail;
  const first = Object.values(data).flat(3).find((value) => typeof value === "string");
  return first;
}
