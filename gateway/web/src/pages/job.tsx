// One VideoJob: how far it is, why it waits or failed, what it has made, and what can be done with it.
import { useEffect, useState } from "preact/hooks";
import { GET, answer } from "../api";
import { now } from "../clock";
import { between, moment, relative, span } from "../format";
import { JobActions } from "../parts/job_actions";
import { JobHistory } from "../parts/job_history";
import { complain, wordsOf } from "../parts/notices";
import { Outputs } from "../parts/outputs";
import { PhaseBadge, ProgressBar } from "../parts/progress";
import { useAsked } from "../parts/resource";
import { Strip } from "../parts/strip";
import { follow } from "../stream";
import { t, word } from "../texts";
import { type Job, type JobEvent, type ListedJob, type Said, isFinal, withProgress } from "../types";

export function JobPage({ name }: { name: string }) {
  const path = { params: { path: { id: name } } };
  const { data, error, reload } = useAsked(() => answer(GET("/api/v1/jobs/{id}", path)), [name]);
  const [told, setTold] = useState<ListedJob | null>(null);
  const [gone, setGone] = useState(false);
  const [live, setLive] = useState(true);
  const [round, setRound] = useState(0);
  useEffect(
    () =>
      follow(`/api/v1/jobs/${encodeURIComponent(name)}/stream`, {
        onLive: setLive,
        onEvent: (event) => {
          if (event.name === "job") setTold(JSON.parse(event.data) as ListedJob);
          if (event.name === "progress") setTold((known) => known && withProgress(known, JSON.parse(event.data) as Said));
          if (event.name === "deleted") setGone(true);
        },
      }),
    [name, round],
  );
  // What streams leave out (the spec, the history, the log of a failure) is asked for when something has happened.
  const stage = told ? `${told.status.phase} ${told.status.attempts} ${told.status.rerun} ${told.spec.suspend}` : "";
  useEffect(() => {
    if (stage) reload();
  }, [stage]);
  const events = useAsked<{ items: JobEvent[] }>(() => answer(GET("/api/v1/jobs/{id}/events", path)), [name, stage]);

  if (!data) return error ? <p class="problem" role="alert">{wordsOf(error)}</p> : <p class="quiet" role="status">{t("loading")}</p>;
  const job: Job = told ? { ...data, spec: { ...data.spec, ...told.spec }, status: { ...data.status, ...told.status } } : data;
  const { status } = job;
  // An attempt that ended well leaves neither: what a stream does not say any more is not so any more.
  if (told) {
    status.reason = told.status.reason;
    status.stage = told.status.stage;
    status.eta = told.status.eta;
    if (!told.status.failure) delete status.failure;
  }
  const changed = (after: Job | null) => {
    if (after === null) setGone(true);
    else if (isFinal(status.phase)) {
      setTold(null);
      setRound(round + 1); // its stream had ended
      reload();
    }
  };
  if (gone) return <p role="status">{t("job.gone", { name: job.name })} <a href="#/jobs">{t("nav.jobs")}</a></p>;
  return (
    <article class="job">
      <div class="title">
        <h1>{job.name}</h1>
        <PhaseBadge phase={status.phase} />
        <JobActions job={job} onChanged={changed} />
      </div>
      {!live && !isFinal(status.phase) && <p class="hint" role="status">{t("reconnecting")}</p>}
      <section class="card" aria-label={t("job.state")}>
        <ProgressBar status={status} name={job.name} />
        <Why status={status} />
        <Facts job={job} />
      </section>
      {status.phase === "Failed" && status.failure && (
        <section class="card failure" aria-labelledby="failure">
          <h2 id="failure">{t("job.failure")}: {word("reason", status.failure.reason)}</h2>
          <p class="message">{status.failure.message}</p>
          <p>{status.failure.retryable ? t("job.retryable") : t("job.notRetryable")}</p>
          {status.failure.log && <details><summary>{t("job.log")}</summary><pre tabIndex={0}>{status.failure.log}</pre></details>}
        </section>
      )}
      {!!status.warnings?.length && (
        <section class="card" aria-labelledby="warnings">
          <h2 id="warnings">{t("job.warnings")}</h2>
          <ul>{status.warnings.map((warning) => <li key={warning}>{warning}</li>)}</ul>
        </section>
      )}
      <Outputs job={job} />
      <Strip job={job} />
      <JobHistory job={job} events={events.data?.items ?? []} />
      <details class="card">
        <summary>{t("job.spec")}</summary>
        <button type="button" onClick={() => copy(JSON.stringify(job.spec, null, 2))}>{t("copy")}</button>
        <pre tabIndex={0}>{JSON.stringify(job.spec, null, 2)}</pre>
      </details>
    </article>
  );
}

function Why({ status }: { status: Job["status"] }) {
  const stage = status.phase === "Running" ? word("stage", status.stage) : "";
  const reason = status.phase === "Failed" ? "" : word("reason", status.reason);
  const place = status.queuePosition ? t("job.place", { count: status.queuePosition }) : "";
  const message = status.phase === "Failed" ? "" : status.message;
  return (
    <p class="why" aria-live="polite">
      {[stage, reason, place].filter(Boolean).map((each) => <strong key={each}>{each} </strong>)}
      <span class="message">{message}</span>
    </p>
  );
}

function Facts({ job }: { job: Job }) {
  const { spec, status } = job;
  const time = now.value;
  const running = status.phase === "Running" ? new Date(time).toISOString() : null;
  const attempts = [
    String(status.attempts ?? 0),
    status.failures ? t("job.failures", { count: status.failures }) : "",
    status.interruptions ? t("job.interruptions", { count: status.interruptions }) : "",
  ];
  const facts: [string, string | undefined | null][] = [
    [t("job.created"), `${moment(job.createdAt)} (${relative(job.createdAt, time)})`],
    [t("job.waited"), status.startedAt ? span(between(job.createdAt, status.startedAt)) : null],
    [t("job.rendering"), status.startedAt ? span(between(status.startedAt, status.finishedAt ?? running)) : null],
    [t("job.eta"), isFinal(status.phase) || Date.parse(status.eta ?? "") < time ? null : relative(status.eta, time)],
    [t("job.nextAttempt"), isFinal(status.phase) ? null : relative(status.nextAttemptAt, time)],
    [t("job.deadline"), status.phase === "Running" ? relative(status.deadlineAt, time) : null],
    [t("job.finished"), status.finishedAt ? moment(status.finishedAt) : null],
    [t("job.attempts"), attempts.filter(Boolean).join(", ")],
    [t("jobs.user"), spec.user],
    [t("jobs.project"), spec.project],
    [t("jobs.pool"), spec.pool],
    [t("jobs.queue"), spec.queue],
    [t("job.priority"), spec.priority ? String(spec.priority) : null],
    [t("job.template"), spec.templateRef?.name],
    [t("jobs.label"), Object.entries(job.labels).map(([label, value]) => `${label}=${value}`).join(", ")],
  ];
  return (
    <dl class="facts">
      {facts.filter(([, value]) => value).map(([term, value]) => <div key={term}><dt>{term}</dt><dd>{value}</dd></div>)}
    </dl>
  );
}

function copy(text: string): void {
  navigator.clipboard?.writeText(text).catch(complain);
}
