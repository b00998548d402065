// What admins do with a pool and its queues: each is asked once more, as it is everyone who waits.
import { useState } from "preact/hooks";
import { POST, answer } from "../api";
import { mayManagePools } from "../session";
import { type TextKey, t } from "../texts";
import type { Pool } from "../types";
import { complain, say } from "./notices";

interface Props {
  pool: Pool;
  /** One of its queues, of which it is to be; none for the pool. */
  queue?: Pool["queues"][number];
  /** Called when it has been changed. */
  onChanged(): void;
}

export function PoolActions({ pool, queue, onChanged }: Props) {
  const [busy, setBusy] = useState(false);
  if (!mayManagePools()) return null;

  async function act(done: TextKey, question: TextKey, ask: () => Promise<Pool>): Promise<void> {
    const names = { name: pool.name, queue: queue?.name ?? "" };
    if (!confirm(t(question, names))) return;
    setBusy(true);
    try {
      await ask();
      onChanged();
      say(t(done, names));
    } catch (error) {
      complain(error);
    }
    setBusy(false);
  }

  if (queue) {
    const path = { params: { path: { name: pool.name, queue: queue.name } } };
    return queue.stopped
      ? <button type="button" disabled={busy} onClick={() => act("pools.isResumedQueue", "pools.sureResumeQueue", () => answer(POST("/api/v1/pools/{name}/queues/{queue}/resume", path)))}>{t("pools.resume")}</button>
      : <button type="button" class="danger" disabled={busy} onClick={() => act("pools.isStopped", "pools.sureStop", () => answer(POST("/api/v1/pools/{name}/queues/{queue}/stop", path)))}>{t("pools.stop")}</button>;
  }
  const path = { params: { path: { name: pool.name } } };
  return pool.drain
    ? <button type="button" disabled={busy} onClick={() => act("pools.isResumed", "pools.sureResume", () => answer(POST("/api/v1/pools/{name}/resume", path)))}>{t("pools.resume")}</button>
    : <button type="button" class="danger" disabled={busy} onClick={() => act("pools.isDraining", "pools.sureDrain", () => answer(POST("/api/v1/pools/{name}/drain", path)))}>{t("pools.drainIt")}</button>;
}
