// Where in the page one is: `#/jobs?phase=Running`, so that links can be shared and the back button works.
import { computed, signal } from "@preact/signals";

const hash = signal(location.hash);
addEventListener("hashchange", () => (hash.value = location.hash));

export const route = computed(() => {
  const [path = "", query = ""] = hash.value.replace(/^#\/?/, "").split("?");
  const [page, ...rest] = path.split("/").map(decode);
  return { page: page || "jobs", name: rest.join("/"), query: new URLSearchParams(query) };
});

export function link(page: string, name = "", query?: URLSearchParams): string {
  const text = query?.toString();
  return `#/${page}${name ? `/${encodeURIComponent(name)}` : ""}${text ? `?${text}` : ""}`;
}

export function go(to: string): void {
  location.hash = to;
}

/** Change where one is without a step for the back button: while somebody types. */
export function replace(to: string): void {
  history.replaceState(null, "", to);
  hash.value = to;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
