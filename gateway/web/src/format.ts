// Numbers, times and sizes in the words of the language.
import { locale } from "./texts";

const UNITS = [["day", 86_400], ["hour", 3600], ["minute", 60], ["second", 1]] as const;

/** How long ago, or in how long: "3 minutes ago". */
export function relative(at: string | null | undefined, now: number): string {
  if (!at) return "";
  const seconds = (Date.parse(at) - now) / 1000;
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? ["second", 1];
  return new Intl.RelativeTimeFormat(locale.value, { numeric: "auto", style: "short" }).format(Math.round(seconds / size), unit);
}

export function moment(at: string | null | undefined): string {
  return at ? new Date(at).toLocaleString(locale.value, { dateStyle: "medium", timeStyle: "medium" }) : "";
}

/** Some seconds, as "1:02:03" or "4.2 s". */
export function span(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 60) return `${number(seconds, seconds < 10 ? 1 : 0)} s`;
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, Math.floor(seconds) % 60];
  const [hours = 0, ...rest] = parts;
  const padded = rest.map((part) => String(part).padStart(2, "0")).join(":");
  return hours ? `${hours}:${padded}` : padded.replace(/^0/, "");
}

export function between(start: string | null | undefined, end: string | null | undefined): number | null {
  return start && end ? Math.max(0, (Date.parse(end) - Date.parse(start)) / 1000) : null;
}

export function number(value: number, digits = 0): string {
  return value.toLocaleString(locale.value, { maximumFractionDigits: digits });
}

export function bytes(count: number): string {
  const [unit, size] = ([["GB", 1e9], ["MB", 1e6], ["kB", 1e3]] as const).find(([, size]) => count >= size) ?? ["B", 1];
  return `${number(count / size, size > 1 ? 1 : 0)} ${unit}`;
}

export function percent(share: number | null): string {
  return share === null ? "–" : share.toLocaleString(locale.value, { style: "percent", maximumFractionDigits: 1 });
}
