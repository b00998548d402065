// Media that are dropped here, or chosen, are brought to the pool, and become clips and tracks in their order.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Upload } from "tus-js-client";
import { GET, Refusal, answer } from "../api";
import { say, wordsOf } from "../parts/notices";
import { authorization } from "../session";
import { t } from "../texts";
import type { ProblemDetails } from "../types";
import { newClip } from "./clip_fields";
import { type Draft, useDraft } from "./draft";
import { newTrack } from "./sections";

const PART_BYTES = 16 * 1024 * 1024; // what is sent again at most, when a connection is lost
const RETRIES_MS = [500, 1000, 2000, 4000, 8000];

interface Waiting {
  id: number;
  file: File;
  /** Share that has been sent. */
  sent: number;
}

export function Uploads({ pool }: { pool: string }) {
  const draft = useDraft();
  const newest = useRef(draft);
  newest.current = draft;
  const [waiting, setWaiting] = useState<Waiting[]>([]);
  const [over, setOver] = useState(false);
  const running = useRef<{ id: number; stop(): void } | null>(null);
  const last = useRef(0);
  const first = waiting[0];

  // One after the other, so that clips come in the order of their files.
  useEffect(() => {
    if (!first || running.current?.id === first.id) return;
    const { id, file } = first;
    const show = (sent: number) => setWaiting((before) => before.map((each) => (each.id === id ? { ...each, sent } : each)));
    const done = () => setWaiting((before) => before.filter((each) => each.id !== id));
    const stopping = new AbortController();
    running.current = { id, stop: () => stopping.abort() };
    bring(file, pool, show, stopping.signal)
      .then((asset) => use(asset, newest.current), (error: unknown) => stopping.signal.aborted || say(t("up.failed", { name: file.name, why: wordsOf(error) }), true))
      .finally(done);
  }, [first?.id]);
  useEffect(() => () => running.current?.stop(), []);

  function take(files: FileList | null | undefined): void {
    const taken = [...(files ?? [])].map((file) => ({ id: ++last.current, file, sent: 0 }));
    setWaiting((before) => [...before, ...taken]);
  }

  function stop(id: number): void {
    if (running.current?.id === id) running.current.stop();
    setWaiting((before) => before.filter((each) => each.id !== id));
  }

  function onDrop(event: DragEvent): void {
    event.preventDefault();
    setOver(false);
    take(event.dataTransfer?.files);
  }

  return (
    <section class={over ? "card drop over" : "card drop"} aria-label={t("up.title")} onDrop={onDrop}
      onDragOver={(event) => { event.preventDefault(); setOver(true); }} onDragLeave={() => setOver(false)}>
      <label>{t("up.how")}{" "}
        <input type="file" multiple aria-label={t("up.choose")} accept="image/*,video/*,audio/*"
          onChange={(event) => { take(event.currentTarget.files); event.currentTarget.value = ""; }} />
      </label>
      <ul>
        {waiting.map(({ id, file, sent }) => (
          <li key={id}>
            <span>{file.name}</span>
            <progress class="Running" max={1} value={sent} aria-label={t("up.progress", { name: file.name })} />
            <button type="button" aria-label={t("up.stop", { name: file.name })} onClick={() => stop(id)}>×</button>
          </li>
        ))}
      </ul>
    </section>
  );
}

interface Asset {
  uri: string;
  type: string;
  name: string;
}

/** Send a file, going on where a lost connection left it; return what it has become. */
async function bring(file: File, pool: string, show: (share: number) => void, stop: AbortSignal): Promise<Asset> {
  const { Upload } = await import("tus-js-client");
  const identity = await new Promise<string>((resolve, reject) => {
    const upload: Upload = new Upload(file, {
      endpoint: `/api/v1/assets/uploads?pool=${encodeURIComponent(pool)}`,
      chunkSize: PART_BYTES,
      retryDelays: RETRIES_MS,
      headers: authorization(),
      metadata: { filename: file.name },
      storeFingerprintForResuming: false,
      onProgress: (sent, total) => show(total ? sent / total : 0),
      onError: (error) => reject("originalResponse" in error && error.originalResponse ? refusalOf(error.originalResponse.getBody()) : error),
      onSuccess: ({ lastResponse }) => resolve(lastResponse.getHeader("VideoJob-Asset") ?? ""),
    });
    stop.addEventListener("abort", () => {
      void upload.abort(true).catch(() => {}); // what has come goes by itself
      reject(new Refusal({ title: "stopped" }));
    });
    if (stop.aborted) return;
    upload.start();
  });
  return answer(GET("/api/v1/assets/{id}", { params: { path: { id: identity } } }));
}

function use({ uri, type, name }: Asset, draft: Draft): void {
  if (type.startsWith("audio/")) draft.append("spec.audio.tracks", newTrack(uri));
  else draft.append("spec.clips", newClip(type.startsWith("video/") ? "video" : "image", uri));
  say(t("up.done", { name }));
}

function refusalOf(body: string): Refusal {
  try {
    return new Refusal(JSON.parse(body) as ProblemDetails);
  } catch {
    return new Refusal({ title: "unreachable" });
  }
}
