// The fields of one clip: what is seen, how long, how it comes in and how it moves.
import transitions from "../transitions.json";
import { type TextKey, t } from "../texts";
import type { Clip } from "../types";
import { useDraft } from "./draft";
import { CheckField, ChoiceField, ColorField, NumberField, TextField } from "./fields";

export const KINDS = ["image", "video", "title", "color"] as const;
export type Kind = (typeof KINDS)[number];

const FITS = ["cover", "contain", "blur", "stretch"] as const;
const MOTIONS = { zoomIn: { zoom: {} }, zoomOut: { zoom: { from: 1.15, to: 1 } } } as const;

/** Return a clip of a kind as it begins. */
export function newClip(kind: Kind, uri = ""): Clip {
  switch (kind) {
    case "image":
      return { image: { uri }, duration: "4s" };
    case "video":
      return { video: { uri } };
    case "title":
      return { title: { text: "" }, duration: "3s" };
    case "color":
      return { color: "#204060", duration: "2s" };
  }
}

export function kindOf(clip: Clip): Kind | null {
  return KINDS.find((kind) => clip[kind] !== undefined && clip[kind] !== null) ?? null;
}

export function titleOf(clip: Clip): string {
  const kind = kindOf(clip);
  if (kind === null) return t("clip.other");
  const what = clip.image?.uri ?? clip.video?.uri ?? clip.title?.text ?? clip.color ?? "";
  return `${t(`clip.${kind}`)} ${what.split("/").at(-1) ?? ""}`.trim();
}

export function ClipFields({ path, clip, index, places }: { path: string; clip: Clip; index: number; places: string[] }) {
  const kind = kindOf(clip);
  if (kind === null) return <p class="hint">{t("clip.inJson")}</p>;
  return (
    <div class="grid">
      {(kind === "image" || kind === "video") && (
        <TextField path={`${path}.${kind}.uri`} label={t(`clip.uriOf.${kind}`)} placeholder={`${places[0] ?? "https://"}…`} suggestions={places} required wide />
      )}
      {kind === "title" && (
        <>
          <TextField path={`${path}.title.text`} label={t("clip.text")} lines={2} required wide />
          <NumberField path={`${path}.title.size`} label={t("clip.size")} min={1} placeholder="96" />
          <ColorField path={`${path}.title.color`} label={t("clip.textColor")} fallback="#ffffff" />
          <ColorField path={`${path}.title.background`} label={t("clip.background")} fallback="#000000" />
        </>
      )}
      {kind === "color" && <ColorField path={`${path}.color`} label={t("clip.color")} fallback="#204060" />}
      <TextField path={`${path}.duration`} label={t("clip.duration")} placeholder={kind === "video" ? t("clip.whole") : "3s"} required={kind !== "video"} />
      {kind === "video" && (
        <>
          <TextField path={`${path}.video.from`} label={t("clip.from")} placeholder="0s" />
          <TextField path={`${path}.video.to`} label={t("clip.to")} />
          <NumberField path={`${path}.video.volume`} label={t("clip.volume")} min={0} step={0.1} placeholder="1" />
          <NumberField path={`${path}.video.speed`} label={t("clip.speed")} min={0} step={0.1} placeholder="1" />
          <CheckField path={`${path}.video.loop`} label={t("clip.loop")} />
        </>
      )}
      {(kind === "image" || kind === "video") && (
        <ChoiceField path={`${path}.fit`} label={t("clip.fit")} none={t("fit.cover")} choices={FITS.filter((fit) => fit !== "cover").map((fit) => ({ value: fit, label: t(`fit.${fit}`) }))} />
      )}
      {kind === "image" && <Motion path={`${path}.motion`} />}
      {index > 0 && (
        <>
          <ChoiceField path={`${path}.transition.type`} of={`${path}.transition`} label={t("clip.transition")} none={t("clip.cut")}
            choices={transitions.filter((name) => name !== "cut").map((name) => ({ value: name, label: name }))} />
          {clip.transition && <TextField path={`${path}.transition.duration`} label={t("clip.transitionDuration")} placeholder="500ms" />}
        </>
      )}
    </div>
  );
}

function Motion({ path }: { path: string }) {
  const draft = useDraft();
  const motion = draft.get(path);
  const same = (name: keyof typeof MOTIONS) => JSON.stringify(MOTIONS[name]) === JSON.stringify(motion);
  const value = motion === undefined ? "" : same("zoomIn") ? "zoomIn" : same("zoomOut") ? "zoomOut" : "other";
  return (
    <div class="field">
      <label for={`${path}-motion`}>{t("clip.motion")}</label>
      <select id={`${path}-motion`} data-path={path} value={value}
        onChange={(event) => draft.set(path, MOTIONS[event.currentTarget.value as keyof typeof MOTIONS])}>
        {["", "zoomIn", "zoomOut", ...(value === "other" ? ["other"] : [])].map((name) => (
          <option key={name} value={name}>{t(`motion.${name || "none"}` as TextKey)}</option>
        ))}
      </select>
    </div>
  );
}
