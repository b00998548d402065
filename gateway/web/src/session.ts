// Who is signed in: a token that is kept for as long as the tab is, and what the gateway says of it.
import { signal } from "@preact/signals";
import type { Identity } from "./types";

const KEY = "videojob-token";
const COOKIE = "videojob-token";
const COOKIE_S = 3600;

export const token = signal(sessionStorage.getItem(KEY) ?? "");
export const caller = signal<Identity | null>(null);
/** Whether nobody is known by the token, or there is none. */
export const needsToken = signal(false);

export function signIn(given: string): void {
  sessionStorage.setItem(KEY, given);
  token.value = given;
  needsToken.value = false;
}

export function signOut(): void {
  sessionStorage.removeItem(KEY);
  token.value = "";
  caller.value = null;
  needsToken.value = true;
}

/** May the caller make and change VideoJobs? */
export function maySubmit(): boolean {
  return caller.value !== null && caller.value.role !== "viewer";
}

/** May the caller stop, drain and resume pools? */
export function mayManagePools(): boolean {
  return caller.value?.managesPools === true;
}

export function authorization(): Record<string, string> {
  return token.value ? { Authorization: `Bearer ${token.value}` } : {};
}

/** Let players and downloads, which send no header, be known: for the outputs of one VideoJob, an hour, this site. */
export function admitPlayers(id: string): void {
  if (!token.value) return;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  const path = `/api/v1/jobs/${encodeURIComponent(id)}/outputs`;
  document.cookie = `${COOKIE}=${token.value}; Path=${path}; Max-Age=${COOKIE_S}; SameSite=Strict${secure}`;
}

export function dismissPlayers(id: string): void {
  document.cookie = `${COOKIE}=; Path=/api/v1/jobs/${encodeURIComponent(id)}/outputs; Max-Age=0; SameSite=Strict`;
}
