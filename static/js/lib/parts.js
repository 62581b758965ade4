// HTML that the server made, as a fragment to take elements from.
export async function fetchPart(source) {
  const response = await fetch(source, { headers: { "X-Requested-With": "XMLHttpRequest" }, credentials: "same-origin" });
  // Signed out meanwhile: the answer is the sign-in page, not the part.
  if (response.redirected) { location.reload(); throw new Error("signed out"); }
  if (!response.ok) throw new Error(`${response.status} from ${source}`);
  return new DOMParser().parseFromString(await response.text(), "text/html").body;
}
