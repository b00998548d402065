// How far a VideoJob is, as a bar and in words.
import { number } from "../format";
import { t, word } from "../texts";
import type { ListedJob } from "../types";

export function PhaseBadge({ phase }: { phase: string | undefined }) {
  return <span class={`badge ${phase ?? "Pending"}`}>{word("phase", phase ?? "Pending")}</span>;
}

export function ProgressBar({ status, name }: { status: ListedJob["status"]; name: string }) {
  const done = status.phase === "Succeeded" ? 100 : (status.progress ?? 0);
  return (
    <span class="progress">
      <progress max={100} value={done} aria-label={t("progressOf", { name })} class={status.phase ?? "Pending"} />
      <span class="percent">{number(done)} %</span>
    </span>
  );
}
