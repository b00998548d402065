// The VideoJobs: found by filters and words, and told of as they change.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { now } from "../clock";
import { relative } from "../format";
import { JobList, type Query, SORTS, type Sort } from "../job_list";
import { wordsOf } from "../parts/notices";
import { PhaseBadge, ProgressBar } from "../parts/progress";
import { VirtualList } from "../parts/virtual_list";
import { link, replace, route } from "../router";
import { t, word } from "../texts";
import { type ListedJob, PHASES, type Phase } from "../types";

const ROW_PX = 64;
const NARROW_ROW_PX = 108;
const TYPING_MS = 250;
const narrow = matchMedia("(max-width: 720px)");

export function JobsPage() {
  const asked = route.value.query.toString();
  const query = useMemo(() => read(new URLSearchParams(asked)), [asked]);
  const list = useMemo(() => new JobList(query), [asked]);
  useEffect(() => () => list.close(), [list]);
  const [rowHeight, setRowHeight] = useState(narrow.matches ? NARROW_ROW_PX : ROW_PX);
  useEffect(() => {
    const change = () => setRowHeight(narrow.matches ? NARROW_ROW_PX : ROW_PX);
    narrow.addEventListener("change", change);
    return () => narrow.removeEventListener("change", change);
  }, []);
  // Until another list is there, the one before stays: nothing flickers while somebody types.
  const before = useRef<ListedJob[]>([]);
  if (!list.loading.value || list.jobs.value.length) before.current = list.jobs.value;
  const jobs = before.current;
  return (
    <section class="jobs">
      <h1>{t("nav.jobs")}</h1>
      <Filters query={query} counts={list.counts.value} />
      {!list.live.value && <p class="hint" role="status">{t("reconnecting")}</p>}
      {list.problem.value && <p class="problem" role="alert">{wordsOf(list.problem.value)}</p>}
      {jobs.length === 0 && !list.problem.value ? (
        <p class="quiet" role="status">{list.loading.value ? t("loading") : t("jobs.none")}</p>
      ) : (
        <VirtualList items={jobs} rowHeight={rowHeight} label={t("nav.jobs")} keyOf={(job) => job.id}
          row={(job) => <JobRow job={job} />} onEnd={() => void list.loadMore()} />
      )}
    </section>
  );
}

function JobRow({ job }: { job: ListedJob }) {
  const { name, spec, status } = job;
  const why = status.reason ? word("reason", status.reason) : status.stage ? word("stage", status.stage) : "";
  return (
    <article class="row">
      <div class="name">
        <a href={link("jobs", name)}>{name}</a>
        <span class="quiet">{[spec.user, spec.project, spec.templateRef?.name].filter(Boolean).join(" · ")}</span>
      </div>
      <div class="state">
        <PhaseBadge phase={status.phase} />
        <span class="why" title={status.message}>{status.phase === "Succeeded" || status.phase === "Cancelled" ? "" : why}</span>
      </div>
      <ProgressBar status={status} name={name} />
      <div class="when">
        <time dateTime={job.createdAt}>{relative(job.createdAt, now.value)}</time>
        <span class="quiet">{[spec.pool ?? "default", spec.queue ?? "default"].join(" / ")}</span>
      </div>
    </article>
  );
}

function Filters({ query, counts }: { query: Query; counts: Record<string, number> }) {
  const [words, setWords] = useState(query.text);
  useEffect(() => {
    if (words === query.text) return;
    // Of what is asked for then: a filter may be chosen meanwhile.
    const timer = setTimeout(() => show({ ...read(route.peek().query), text: words }), TYPING_MS);
    return () => clearTimeout(timer);
  }, [words]);
  const toggle = (phase: Phase) => {
    const rest = query.phase.filter((each) => each !== phase);
    show({ ...query, phase: rest.length < query.phase.length ? rest : [...rest, phase] });
  };
  return (
    <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
      <input type="search" aria-label={t("jobs.search")} placeholder={t("jobs.search")} value={words}
        onInput={(event) => setWords(event.currentTarget.value)} />
      <div class="phases" role="group" aria-label={t("jobs.phases")}>
        {PHASES.map((phase) => (
          <button key={phase} type="button" class={`chip ${phase}`} aria-pressed={query.phase.includes(phase)} onClick={() => toggle(phase)}>
            {word("phase", phase)} <b>{counts[phase] ?? 0}</b>
          </button>
        ))}
      </div>
      <label>{t("jobs.sort")}{" "}
        <select value={query.sort} onChange={(event) => show({ ...query, sort: event.currentTarget.value as Sort })}>
          {SORTS.map((sort) => <option key={sort} value={sort}>{t(`sort.${sort}`)}</option>)}
        </select>
      </label>
      <details open={FIELDS.some((field) => query[field])}>
        <summary>{t("jobs.more")}</summary>
        <div class="fields">
          {FIELDS.map((field) => (
            <label key={field}>{t(`jobs.${field}`)}
              <input value={query[field]} placeholder={field === "label" ? "team=films" : ""}
                onChange={(event) => show({ ...query, [field]: event.currentTarget.value.trim() })} />
            </label>
          ))}
        </div>
      </details>
    </form>
  );
}

const FIELDS = ["user", "project", "pool", "queue", "label"] as const;

function read(query: URLSearchParams): Query {
  const sort = query.get("sort") as Sort;
  const [user, project, pool, queue, label] = FIELDS.map((field) => query.get(field) ?? "") as [string, string, string, string, string];
  return {
    text: query.get("text") ?? "",
    phase: query.getAll("phase").filter((each): each is Phase => PHASES.includes(each as Phase)),
    sort: SORTS.includes(sort) ? sort : "-created",
    user, project, pool, queue, label,
  };
}

function show(query: Query): void {
  const asked = new URLSearchParams();
  if (query.text) asked.set("text", query.text);
  for (const phase of query.phase) asked.append("phase", phase);
  for (const field of FIELDS) if (query[field]) asked.set(field, query[field]);
  if (query.sort !== "-created") asked.set("sort", query.sort);
  replace(link("jobs", "", asked));
}
