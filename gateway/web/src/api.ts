// Requests to the gateway, typed by its OpenAPI document. What fails is a Refusal, with what to do about it.
import createClient from "openapi-fetch";
import type { paths } from "../build/api";
import { authorization, needsToken } from "./session";
import type { Problem, ProblemDetails } from "./types";

const TRIES = 6;
const PAUSE_MS = 500;

export class Refusal extends Error {
  readonly status: number;
  readonly problems: Problem[];

  constructor(details: Partial<ProblemDetails>, status = 0) {
    super(details.detail || details.title || `HTTP ${status}`);
    this.status = status;
    this.problems = details.errors ?? [];
  }
}

const client = createClient<paths>({ fetch: patient });
client.use({
  onRequest({ request }) {
    for (const [name, value] of Object.entries(authorization())) request.headers.set(name, value);
    return request;
  },
});

export const { GET, POST, DELETE } = client;

/** Wait for an answer of the API, and return what it has; throws a Refusal. */
export async function answer<T>(asked: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  let done;
  try {
    done = await asked;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Refusal({ title: "unreachable" });
  }
  if (done.response.status === 401) needsToken.value = true;
  if (!done.response.ok) {
    const details = typeof done.error === "object" ? (done.error as Partial<ProblemDetails>) : {};
    throw new Refusal(details ?? {}, done.response.status);
  }
  return done.data as T;
}

/** A key that makes a request one, however often it is sent. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Send what may be sent again until there is an answer: a gateway that is replaced is not noticed. */
async function patient(request: Request): Promise<Response> {
  const again = request.method !== "POST" || request.headers.has("Idempotency-Key") || request.url.endsWith("/validate");
  for (let tried = 1; ; tried++) {
    try {
      const response = await fetch(request.clone());
      if (response.status !== 503 || !again || tried === TRIES) return response;
    } catch (error) {
      if (request.signal.aborted || !again || tried === TRIES) throw error;
    }
    await pause(PAUSE_MS * tried);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
