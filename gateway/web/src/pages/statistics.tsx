// What became of VideoJobs, as bars and as numbers.
import { useState } from "preact/hooks";
import { GET, answer } from "../api";
import { number, percent, span } from "../format";
import { wordsOf } from "../parts/notices";
import { useAsked } from "../parts/resource";
import { StackedBars } from "../parts/stacked_bars";
import { t, word } from "../texts";
import type { By, Statistics } from "../types";

const GROUPINGS = ["day", "user", "project", "pool", "queue", "reason"] as const satisfies By[];
const MOST_BARS = 30;
const EVERY_MS = 15_000;

type Group = Statistics["groups"][number];

export function StatisticsPage() {
  const [by, setBy] = useState<By>("day");
  const { data, error } = useAsked(() => answer(GET("/api/v1/stats", { params: { query: { by } } })), [by], EVERY_MS);
  const groups = data ? ordered(data.groups, by) : [];
  const titled = groups.map((group) => ({ ...group, key: by === "reason" ? word("reason", group.key) : group.key }));
  return (
    <section>
      <h1>{t("nav.statistics")}</h1>
      <label>{t("stats.by")}{" "}
        <select value={by} onChange={(event) => setBy(event.currentTarget.value as By)}>
          {GROUPINGS.map((each) => <option key={each} value={each}>{word("by", each)}</option>)}
        </select>
      </label>
      {error !== null && <p class="problem" role="alert">{wordsOf(error)}</p>}
      {data && (
        <>
          <dl class="figures card">
            <div><dt>{t("stats.jobs")}</dt><dd>{number(data.total.jobs)}</dd></div>
            <div><dt>{t("stats.success")}</dt><dd>{percent(data.total.successRate)}</dd></div>
            <div><dt>{t("stats.wait")}</dt><dd>{span(data.total.waitSeconds?.p50)} / {span(data.total.waitSeconds?.p99)}</dd></div>
            <div><dt>{t("stats.render")}</dt><dd>{span(data.total.renderSeconds?.p50)} / {span(data.total.renderSeconds?.p99)}</dd></div>
          </dl>
          <figure class="card">
            <figcaption>{t("stats.chart", { by: word("by", by) })}</figcaption>
            <StackedBars groups={titled} label={t("stats.chart", { by: word("by", by) })} />
          </figure>
          <Numbers groups={titled} by={by} />
        </>
      )}
    </section>
  );
}

function Numbers({ groups, by }: { groups: Group[]; by: By }) {
  return (
    <div class="scroll card" tabIndex={0} role="region" aria-label={t("stats.table")}>
      <table>
        <thead>
          <tr>
            <th scope="col">{word("by", by)}</th><th scope="col">{t("stats.jobs")}</th><th scope="col">{t("stats.success")}</th>
            <th scope="col">{t("stats.wait")}</th><th scope="col">{t("stats.render")}</th>
          </tr>
        </thead>
        <tbody>
          {groups.map((group) => (
            <tr key={group.key}>
              <th scope="row">{group.key || "–"}</th>
              <td>{number(group.jobs)}</td>
              <td>{percent(group.successRate)}</td>
              <td>{span(group.waitSeconds?.p50)} / {span(group.waitSeconds?.p99)}</td>
              <td>{span(group.renderSeconds?.p50)} / {span(group.renderSeconds?.p99)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The last days in their order; of others the largest groups. */
function ordered(groups: Group[], by: By): Group[] {
  if (by !== "day") return groups.slice(0, MOST_BARS);
  return [...groups].sort((a, b) => (a.key < b.key ? -1 : 1)).slice(-MOST_BARS);
}
