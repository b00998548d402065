// The page's words in the language that was chosen, or that the browser prefers.
import { computed, effect, signal } from "@preact/signals";
import { de } from "./de";
import { en } from "./en";

export type Language = "en" | "de";
export type TextKey = keyof typeof en;

const TEXTS: Record<Language, Record<TextKey, string>> = { en, de };
const KEY = "videojob-language";

export const language = signal<Language>(chosen());
export const locale = computed(() => (navigator.language.startsWith(language.value) ? navigator.language : language.value));

effect(() => {
  document.documentElement.lang = language.value;
  document.title = t("title");
});

export function speak(wanted: Language): void {
  localStorage.setItem(KEY, wanted);
  language.value = wanted;
}

/** The words of a key, with `{name}` replaced. */
export function t(key: TextKey, values: Record<string, string | number> = {}): string {
  return TEXTS[language.value][key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** The words of something that the API has as one word, such as a reason; the word itself where there are none. */
export function word(kind: "phase" | "stage" | "reason" | "role" | "by", name: string | null | undefined): string {
  if (!name) return "";
  return TEXTS[language.value][`${kind}.${name}` as TextKey] ?? name;
}

function chosen(): Language {
  const kept = localStorage.getItem(KEY);
  if (kept === "en" || kept === "de") return kept;
  return navigator.languages.find((each) => /^(en|de)\b/.test(each))?.startsWith("de") ? "de" : "en";
}
