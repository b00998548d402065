// What can be done with a VideoJob, by those who may.
import { useState } from "preact/hooks";
import { DELETE, POST, answer } from "../api";
import { go, link } from "../router";
import { maySubmit } from "../session";
import { type TextKey, t } from "../texts";
import { type Job, isFinal } from "../types";
import { complain, say } from "./notices";

interface Props {
  job: Job;
  /** Called with what it is after, or null when it is deleted. */
  onChanged(after: Job | null): void;
}

export function JobActions({ job, onChanged }: Props) {
  const [busy, setBusy] = useState(false);
  const path = { params: { path: { id: job.id } } };
  const over = isFinal(job.status.phase);

  async function act(done: TextKey, ask: () => Promise<Job | null>, question?: TextKey): Promise<void> {
    if (question && !confirm(t(question, { name: job.name }))) return;
    setBusy(true);
    try {
      onChanged(await ask());
      say(t(done, { name: job.name }));
    } catch (error) {
      complain(error);
    }
    setBusy(false);
  }

  const cancel = async () => (await answer(DELETE("/api/v1/jobs/{id}", path))) as Job;
  const purge = async () => {
    await answer(DELETE("/api/v1/jobs/{id}", { params: { ...path.params, query: { purge: true } } }));
    return null;
  };
  return (
    <div class="actions">
      {maySubmit() && (
        <>
          {over && <button type="button" disabled={busy} onClick={() => act("job.isRerun", () => answer(POST("/api/v1/jobs/{id}/rerun", path)))}>{t("job.rerun")}</button>}
          {!over && !job.spec.suspend && <button type="button" disabled={busy} onClick={() => act("job.isSuspended", () => answer(POST("/api/v1/jobs/{id}/suspend", path)))}>{t("job.suspend")}</button>}
          {!over && job.spec.suspend && <button type="button" disabled={busy} onClick={() => act("job.isResumed", () => answer(POST("/api/v1/jobs/{id}/resume", path)))}>{t("job.resume")}</button>}
          {!over && <button type="button" class="danger" disabled={busy} onClick={() => act("job.isCancelled", cancel, "job.sureCancel")}>{t("job.cancel")}</button>}
          <button type="button" onClick={() => go(link("new", job.name))}>{t("job.again")}</button>
          {over && <button type="button" class="danger" disabled={busy} onClick={() => act("job.isDeleted", purge, "job.sureDelete")}>{t("job.delete")}</button>}
        </>
      )}
      <button type="button" onClick={() => share(job.name)}>{t("job.share")}</button>
    </div>
  );
}

async function share(name: string): Promise<void> {
  const url = new URL(link("jobs", name), location.href).href;
  try {
    if (navigator.share) await navigator.share({ title: name, url });
    else {
      await navigator.clipboard.writeText(url);
      say(t("job.copied"));
    }
  } catch {
    prompt(t("job.link"), url); // without TLS browsers let nobody write the clipboard; or nothing was shared
  }
}
