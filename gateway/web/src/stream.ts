// Server-sent events by fetch, because an EventSource cannot say who asks. It comes back by itself, with nothing missed.
import { pause } from "./api";
import { authorization, needsToken } from "./session";

const SILENCE_MS = 40_000; // there is a sign of life every 15 s
const RETRY_MS = 500;
const LONGEST_RETRY_MS = 10_000;

export interface ServerEvent {
  name: string;
  data: string;
}

interface Listener {
  onEvent(event: ServerEvent): void;
  /** Whether events come; false while it is tried again. */
  onLive(live: boolean): void;
}

/** Follow a path until the returned function is called, or the gateway says that there is no more to come. */
export function follow(path: string, listener: Listener): () => void {
  const stopping = new AbortController();
  void run(path, listener, stopping.signal);
  return () => stopping.abort();
}

async function run(path: string, listener: Listener, stop: AbortSignal): Promise<void> {
  let last = "";
  let wait = RETRY_MS;
  while (!stop.aborted) {
    const quiet = new AbortController();
    const signal = AbortSignal.any([stop, quiet.signal]);
    try {
      const headers = { ...authorization(), ...(last ? { "Last-Event-ID": last } : {}) };
      const response = await fetch(path, { headers, signal, cache: "no-store" });
      if (response.status === 204) return;
      if (response.status === 401) needsToken.value = true;
      if (response.status >= 400 && response.status < 500 && response.status !== 429) return;
      if (response.ok && response.body) {
        listener.onLive(true);
        wait = RETRY_MS;
        for await (const event of read(response.body, quiet)) {
          if (event.id) last = event.id;
          if (event.name) listener.onEvent({ name: event.name, data: event.data });
          if (stop.aborted) return;
        }
      }
    } catch {
      if (stop.aborted) return;
    }
    if (stop.aborted) return;
    listener.onLive(false);
    await pause(wait);
    wait = Math.min(wait * 2, LONGEST_RETRY_MS);
  }
}

async function* read(body: ReadableStream<Uint8Array>, quiet: AbortController) {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let text = "";
  for (;;) {
    const timer = setTimeout(() => quiet.abort(), SILENCE_MS);
    const { done, value } = await reader.read().finally(() => clearTimeout(timer));
    if (done) return;
    text += value;
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) yield parse(block);
  }
}

export function parse(block: string): { name: string; data: string; id: string } {
  const fields = { event: "", data: "", id: "" };
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon) as keyof typeof fields;
    if (colon > 0 && name in fields) fields[name] = line.slice(colon + 1).trimStart();
  }
  return { name: fields.event, data: fields.data, id: fields.id };
}
