// Writes a VideoJob: by fields, or as the JSON that these make.
import { useState } from "preact/hooks";
import { GET, answer } from "../api";
import { ClipFields, KINDS, newClip, titleOf } from "../form/clip_fields";
import { useDraft, useNewDraft } from "../form/draft";
import { DraftForm } from "../form/draft_form";
import { TextField } from "../form/fields";
import { JsonField } from "../form/json_field";
import { Music, Outputs, Picture, Scheduling, placesOf, usePools } from "../form/sections";
import { Sortable } from "../form/sortable";
import { Uploads } from "../form/uploads";
import { wordsOf } from "../parts/notices";
import { useAsked } from "../parts/resource";
import { route } from "../router";
import { t } from "../texts";
import type { Clip, NewJob, Spec } from "../types";

const KEPT = "videojob-draft";
/** What is of one VideoJob's life, and not of another that is made like it. */
const OWN = ["user", "tier", "cancel", "suspend", "rerun"] as const;

export function NewJobPage() {
  const { name } = route.value;
  return name ? <LikeAnother key={name} name={name} /> : <JobForm key="" initial={kept()} keeps />;
}

function LikeAnother({ name }: { name: string }) {
  const { data, error } = useAsked(() => answer(GET("/api/v1/jobs/{id}", { params: { path: { id: name } } })), [name]);
  if (error) return <p class="problem" role="alert">{wordsOf(error)}</p>;
  if (!data) return <p class="quiet" role="status">{t("loading")}</p>;
  const spec = Object.fromEntries(Object.entries(data.spec).filter(([field]) => !OWN.includes(field as never))) as Spec;
  return <JobForm initial={{ labels: data.labels, spec }} />;
}

function JobForm({ initial, keeps = false }: { initial: NewJob; keeps?: boolean }) {
  const draft = useNewDraft(
    initial,
    (document) => keeps && sessionStorage.setItem(KEPT, JSON.stringify(document)),
    () => keeps && sessionStorage.removeItem(KEPT),
  );
  const [asJson, setAsJson] = useState(false);
  const pools = usePools();
  const pool = pools.find(({ name }) => name === (draft.get("spec.pool") ?? "default"));
  const places = placesOf(pool);
  return (
    <DraftForm draft={draft}>
      <div class="title">
        <h1>{t("nav.new")}</h1>
        <button type="button" aria-pressed={asJson} onClick={() => setAsJson(!asJson)}>{t("form.json")}</button>
      </div>
      {asJson ? <JsonField /> : (
        <>
          <TextField path="name" label={t("form.name")} hint={t("form.nameHint")} placeholder="holiday" />
          {pool?.uploads && <Uploads pool={pool.name} />}
          <Clips places={places} />
          <Music places={places} />
          <Picture />
          <Outputs />
          <Scheduling pools={pools} />
        </>
      )}
    </DraftForm>
  );
}

function Clips({ places }: { places: string[] }) {
  const draft = useDraft();
  if (draft.get("spec.templateRef")) return <p class="hint">{t("form.ofTemplate", { name: String(draft.get("spec.templateRef.name")) })}</p>;
  return (
    <section aria-labelledby="clips">
      <h2 id="clips" tabIndex={-1} data-path="spec.clips">{t("form.clips")}</h2>
      <Sortable<Clip> path="spec.clips" noun={t("form.clip")} titleOf={titleOf}
        entry={(path, clip, index) => <ClipFields path={path} clip={clip} index={index} places={places} />} />
      <div class="actions" role="group" aria-label={t("form.addClip")}>
        {KINDS.map((kind) => (
          <button key={kind} type="button" onClick={() => draft.append("spec.clips", newClip(kind))}>+ {t(`clip.${kind}`)}</button>
        ))}
      </div>
    </section>
  );
}

function kept(): NewJob {
  try {
    const found = JSON.parse(sessionStorage.getItem(KEPT) ?? "null") as NewJob | null;
    if (found?.spec) return found;
  } catch {
    // It is not ours.
  }
  return { spec: { clips: [] } } as unknown as NewJob;
}
