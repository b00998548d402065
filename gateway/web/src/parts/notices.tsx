// What went wrong or well, said once, where screen readers hear it.
import { signal } from "@preact/signals";
import { Refusal } from "../api";
import { t } from "../texts";

interface Notice {
  id: number;
  text: string;
  bad: boolean;
}

const STAYS_MS = 6000;
const notices = signal<Notice[]>([]);
let last = 0;

export function say(text: string, bad = false): void {
  const id = ++last;
  notices.value = [...notices.value.slice(-2), { id, text, bad }];
  if (!bad) setTimeout(() => dismiss(id), STAYS_MS);
}

export function complain(error: unknown): void {
  say(wordsOf(error), true);
}

/** What a failure is called. */
export function wordsOf(error: unknown): string {
  if (error instanceof Refusal) return error.message === "unreachable" ? t("unreachable") : error.message;
  return error instanceof Error ? error.message : String(error);
}

function dismiss(id: number): void {
  notices.value = notices.value.filter((each) => each.id !== id);
}

export function Notices() {
  return (
    <div class="notices" role="status">
      {notices.value.map(({ id, text, bad }) => (
        <p key={id} class={bad ? "bad" : ""}>
          <span>{text}</span>
          <button type="button" aria-label={t("dismiss")} onClick={() => dismiss(id)}>×</button>
        </p>
      ))}
    </div>
  );
}
