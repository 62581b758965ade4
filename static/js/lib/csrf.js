// Django's CSRF token, for requests that a script makes.
export function csrfToken(cookies = document.cookie) {
  const found = cookies.split("; ").find((pair) => pair.startsWith("csrftoken="));
  return found ? decodeURIComponent(found.slice("csrftoken=".length)) : "";
}
