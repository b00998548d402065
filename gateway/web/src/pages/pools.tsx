// The pools that render, with their queues: how busy they are, and what waits.
import { GET, answer } from "../api";
import { number, span } from "../format";
import { wordsOf } from "../parts/notices";
import { PoolActions } from "../parts/pool_actions";
import { useAsked } from "../parts/resource";
import { link } from "../router";
import { mayManagePools } from "../session";
import { t } from "../texts";
import type { Pool } from "../types";

/** What a pool has that says nothing of queues. */
const ONE_QUEUE: Pool["queues"] = [{ name: "default" }];
const EVERY_MS = 5000;

export function PoolsPage() {
  const { data, error, reload } = useAsked(() => answer(GET("/api/v1/pools")), [], EVERY_MS);
  return (
    <section>
      <h1>{t("nav.pools")}</h1>
      {error !== null && <p class="problem" role="alert">{wordsOf(error)}</p>}
      {data?.items.length === 0 && <p class="quiet">{t("pools.none")}</p>}
      {data?.items.map((pool) => <PoolCard key={pool.name} pool={pool} onChanged={reload} />)}
    </section>
  );
}

function PoolCard({ pool, onChanged }: { pool: Pool; onChanged(): void }) {
  const state = pool.drain ? "drain" : pool.ready === null ? "unknown" : pool.ready ? "ready" : "notReady";
  const heading = `pool-${pool.name}`;
  return (
    <article class="card" aria-labelledby={heading}>
      <div class="title">
        <h2 id={heading}>{pool.name}</h2>
        <span class={`badge ${{ ready: "Succeeded", notReady: "Failed", drain: "Cancelled", unknown: "Pending" }[state]}`}>{t(`pools.${state}`)}</span>
        <PoolActions pool={pool} onChanged={onChanged} />
      </div>
      {pool.message && <p class="quiet">{pool.message}</p>}
      <dl class="figures">
        {(["queued", "busy", "idle", "starting"] as const).map((name) => (
          <div key={name}><dt>{t(`pools.${name}`)}</dt><dd>{pool[name] === null ? "–" : number(pool[name])}</dd></div>
        ))}
        <div><dt>{t("pools.maxWorkers")}</dt><dd>{number(pool.maxWorkers ?? 10)}</dd></div>
        <div><dt>{t("pools.backlog")}</dt><dd>{span(pool.backlogSeconds)}</dd></div>
      </dl>
      <meter min={0} max={Math.max(1, pool.maxWorkers ?? 10)} value={pool.busy ?? 0} aria-label={t("pools.busyOf")} />
      <div class="scroll">
        <table>
          <caption>{t("pools.queues")}</caption>
          <thead><tr><th scope="col">{t("jobs.queue")}</th><th scope="col">{t("pools.weight")}</th><th scope="col">{t("pools.state")}</th>{mayManagePools() && <th scope="col">{t("pools.actions")}</th>}</tr></thead>
          <tbody>
            {(pool.queues.length ? pool.queues : ONE_QUEUE).map((queue) => (
              <tr key={queue.name}>
                <th scope="row"><a href={link("jobs", "", new URLSearchParams({ pool: pool.name, queue: queue.name }))}>{queue.name}</a></th>
                <td>{queue.weight ?? 1}</td>
                <td>{queue.stopped ? t("pools.stopped") : t("pools.runs")}</td>
                {mayManagePools() && <td><PoolActions pool={pool} queue={queue} onChanged={onChanged} /></td>}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </article>
  );
}
