// The parts of a form beside the clips: music, picture, outputs, and where it waits.
import { GET, answer } from "../api";
import { useAsked } from "../parts/resource";
import { t } from "../texts";
import type { Output, Pool, Track } from "../types";
import { useDraft } from "./draft";
import { CheckField, ChoiceField, ColorField, NumberField, TextField } from "./fields";
import { Sortable } from "./sortable";

const CANVASES = ["1920x1080", "1280x720", "3840x2160", "1080x1920", "1080x1080"];
const FORMATS = ["mp4", "webm", "hls", "gif", "webp", "mp3", "m4a", "jpg", "png", "sprite"] as const;
const QUALITIES = ["draft", "standard", "high", "visuallyLossless"] as const;

export function usePools(): Pool[] {
  return useAsked(() => answer(GET("/api/v1/pools")), []).data?.items ?? [];
}

/** Where sources of a pool may be, as URIs begin. */
export function placesOf(pool: Pool | undefined): string[] {
  return [...(pool?.volumes ?? []).map((volume) => `volume://${volume}/`), "https://"];
}

/** Return a track as it begins. */
export function newTrack(uri: string): Track {
  return { uri, loop: true, fadeOut: "1s" };
}

export function Music({ places }: { places: string[] }) {
  const draft = useDraft();
  const add = () => draft.append("spec.audio.tracks", newTrack(""));
  return (
    <section aria-labelledby="music">
      <h2 id="music">{t("form.music")}</h2>
      <Sortable<Track> path="spec.audio.tracks" noun={t("form.track")} titleOf={(track) => track.uri.split("/").at(-1) ?? ""}
        entry={(path) => (
          <div class="grid">
            <TextField path={`${path}.uri`} label={t("track.uri")} placeholder={`${places[0] ?? "https://"}…`} suggestions={places} required wide />
            <NumberField path={`${path}.volume`} label={t("clip.volume")} min={0} step={0.1} placeholder="1" />
            <TextField path={`${path}.offset`} label={t("track.offset")} placeholder="0s" />
            <TextField path={`${path}.fadeIn`} label={t("track.fadeIn")} placeholder="0s" />
            <TextField path={`${path}.fadeOut`} label={t("track.fadeOut")} placeholder="0s" />
            <CheckField path={`${path}.loop`} label={t("clip.loop")} />
          </div>
        )} />
      <button type="button" onClick={add}>{t("form.addTrack")}</button>
    </section>
  );
}

export function Picture() {
  const draft = useDraft();
  const width = draft.get("spec.canvas.width");
  const size = width ? `${width}x${draft.get("spec.canvas.height")}` : "";
  const choose = (value: string) => {
    const [width, height] = value.split("x").map(Number);
    const rest = (draft.get("spec.canvas") as object | undefined) ?? {};
    const after = value ? { ...rest, width, height } : { ...rest, width: undefined, height: undefined };
    draft.set("spec.canvas", JSON.stringify(after) === "{}" ? undefined : JSON.parse(JSON.stringify(after)));
  };
  return (
    <section aria-labelledby="picture">
      <h2 id="picture">{t("form.picture")}</h2>
      <div class="grid">
        <div class="field">
          <label for="canvas">{t("form.canvas")}</label>
          <select id="canvas" data-path="spec.canvas" value={size} onChange={(event) => choose(event.currentTarget.value)}>
            <option value="">{t("form.ofPool")}</option>
            {[...CANVASES, ...(size && !CANVASES.includes(size) ? [size] : [])].map((each) => <option key={each} value={each}>{each.replace("x", " × ")}</option>)}
          </select>
        </div>
        <TextField path="spec.canvas.fps" label={t("form.fps")} placeholder="30" suggestions={["24", "25", "30", "50", "60"]} />
        <ColorField path="spec.canvas.background" label={t("clip.background")} fallback="#000000" />
      </div>
    </section>
  );
}

export function Outputs() {
  const draft = useDraft();
  const outputs = (draft.get("spec.outputs") as Output[] | undefined) ?? [];
  const remove = (index: number) => {
    const rest = outputs.filter((_, each) => each !== index);
    draft.set("spec.outputs", rest.length ? rest : undefined);
  };
  const add = () => draft.set("spec.outputs", [...outputs, { name: outputs.length ? `output-${outputs.length + 1}` : "main", format: "mp4" }]);
  return (
    <section aria-labelledby="formats">
      <h2 id="formats">{t("form.outputs")}</h2>
      {!outputs.length && <p class="hint">{t("form.outputsDefault")}</p>}
      {outputs.map((_, index) => {
        const path = `spec.outputs[${index}]`;
        return (
          <div key={index} class="grid row-of-fields">
            <TextField path={`${path}.name`} label={t("form.outputName")} required />
            <ChoiceField path={`${path}.format`} label={t("form.format")} choices={FORMATS.map((each) => ({ value: each, label: each }))} required />
            <ChoiceField path={`${path}.quality`} label={t("form.quality")} none={t("form.ofPool")} choices={QUALITIES.map((each) => ({ value: each, label: t(`quality.${each}`) }))} />
            <button type="button" onClick={() => remove(index)}>{t("form.removeOutput", { number: index + 1 })}</button>
          </div>
        );
      })}
      <button type="button" onClick={add}>{t("form.addOutput")}</button>
    </section>
  );
}

export function Scheduling({ pools }: { pools: Pool[] }) {
  const draft = useDraft();
  const pool = pools.find((each) => each.name === (draft.get("spec.pool") ?? "default"));
  return (
    <details class="card">
      <summary>{t("form.scheduling")}</summary>
      <div class="grid">
        <ChoiceField path="spec.pool" label={t("jobs.pool")} none="default" choices={pools.filter((each) => each.name !== "default").map(({ name }) => ({ value: name, label: name }))} />
        <ChoiceField path="spec.queue" label={t("jobs.queue")} none="default" choices={(pool?.queues ?? []).filter((each) => each.name !== "default").map(({ name }) => ({ value: name, label: name }))} />
        <NumberField path="spec.priority" label={t("job.priority")} min={-100} max={100} step={1} placeholder="0" />
        <TextField path="spec.project" label={t("jobs.project")} />
        <TextField path="spec.deadline" label={t("form.deadline")} placeholder="30m" />
        <CheckField path="spec.suspend" label={t("form.suspended")} />
      </div>
    </details>
  );
}
