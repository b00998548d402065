// How the video would look, and how long it would take: an idle worker of the pool composes some of its frames.
import { useEffect, useState } from "preact/hooks";
import { POST, answer } from "../api";
import { span } from "../format";
import { wordsOf } from "../parts/notices";
import { t } from "../texts";
import { useDraft } from "./draft";

const FRAMES = 6;
const WIDTH_PX = 960;

interface Shown {
  url: string;
  words: string;
}

export function Preview() {
  const { document, problems } = useDraft();
  const [shown, setShown] = useState<Shown | null>(null);
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  useEffect(() => () => URL.revokeObjectURL(shown?.url ?? ""), [shown]);

  async function look(): Promise<void> {
    setBusy(true);
    setProblem("");
    try {
      const query = { frames: FRAMES, width: WIDTH_PX };
      const [picture, { predictedSeconds, predictedWaitSeconds }] = await Promise.all([
        answer(POST("/api/v1/preview", { params: { query }, body: document, parseAs: "blob" })),
        answer(POST("/api/v1/plan", { body: document })),
      ]);
      const words = [t("preview.takes", { time: span(predictedSeconds) })];
      if (predictedWaitSeconds !== null) words.push(t("preview.waits", { time: span(predictedWaitSeconds) }));
      setShown({ url: URL.createObjectURL(picture as Blob), words: words.join(" ") });
    } catch (error) {
      setShown(null);
      setProblem(wordsOf(error));
    }
    setBusy(false);
  }

  return (
    <section class="preview" aria-label={t("preview")}>
      <button type="button" disabled={busy || problems?.length !== 0} onClick={() => void look()}>{t("preview.show", { count: FRAMES })}</button>
      <div role="status">
        {busy && <p class="quiet">{t("loading")}</p>}
        {problem && <p class="problem">{problem}</p>}
        {shown && !busy && (
          <figure>
            <img src={shown.url} alt={t("preview")} />
            <figcaption class="quiet">{shown.words}</figcaption>
          </figure>
        )}
      </div>
    </section>
  );
}
