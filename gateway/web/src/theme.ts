// Light or dark: as the machine has it, or as was chosen.
import { effect, signal } from "@preact/signals";

const KEY = "videojob-theme";

export const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const kept = localStorage.getItem(KEY) as Theme;
export const theme = signal<Theme>(THEMES.includes(kept) ? kept : "auto");

effect(() => {
  localStorage.setItem(KEY, theme.value);
  if (theme.value === "auto") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme.value;
});
