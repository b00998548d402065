// What happened to a VideoJob: its conditions, the Events of the last hour, and how it ended before it was rerun.
import { moment } from "../format";
import { t, word } from "../texts";
import type { Job, JobEvent } from "../types";
import { PhaseBadge } from "./progress";

export function JobHistory({ job, events }: { job: Job; events: JobEvent[] }) {
  const conditions = (job.status.conditions ?? []).map((each) => ({
    at: each.lastTransitionTime, reason: each.reason, message: each.message ?? "", bad: each.type === "Failed" && each.status === "True",
  }));
  const told = events.map((each) => ({ at: each.at, reason: each.reason, message: each.message, bad: each.type === "Warning" }));
  // Events are told for an hour. Conditions stay: of the time before them they are all that is known.
  const oldest = Math.min(...told.map((each) => Date.parse(each.at)));
  const fresh = conditions.filter((each) => each.reason === "Accepted" || Date.parse(each.at) + 1000 <= oldest);
  const all = [...told, ...fresh].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  const past = job.status.history ?? [];
  return (
    <section class="card" aria-labelledby="history">
      <h2 id="history">{t("job.history")}</h2>
      <ol class="history">
        {past.map((life) => (
          <li key={`life ${life.rerun}`}>
            <time dateTime={life.finishedAt ?? ""}>{moment(life.finishedAt)}</time>
            <PhaseBadge phase={life.phase} /> {word("reason", life.reason)} {life.message}
          </li>
        ))}
        {all.map((each) => (
          <li key={`${each.at} ${each.reason}`} class={each.bad ? "bad" : ""}>
            <time dateTime={each.at}>{moment(each.at)}</time> <strong>{word("reason", each.reason)}</strong> {each.message}
          </li>
        ))}
      </ol>
      {all.length + past.length === 0 && <p class="quiet">{t("job.noHistory")}</p>}
    </section>
  );
}
