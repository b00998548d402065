// How the video would look, and how long it would take: an idle worker of the pool composes some of its frames.
import { POST, answer } from "../api";
import { span } from "../format";
import { Looked, type Seen } from "../parts/looked";
import { t } from "../texts";
import { useDraft } from "./draft";

const FRAMES = 6;
const WIDTH_PX = 960;

export function Preview() {
  const { document, problems } = useDraft();

  async function look(): Promise<Seen> {
    const query = { frames: FRAMES, width: WIDTH_PX };
    const [picture, { predictedSeconds, predictedWaitSeconds }] = await Promise.all([
      answer(POST("/api/v1/preview", { params: { query }, body: document, parseAs: "blob" })),
      answer(POST("/api/v1/plan", { body: document })),
    ]);
    const words = [t("preview.takes", { time: span(predictedSeconds) })];
    if (predictedWaitSeconds !== null) words.push(t("preview.waits", { time: span(predictedWaitSeconds) }));
    return { picture: picture as Blob, words: words.join(" ") };
  }

  return <Looked name={t("preview")} button={t("preview.show", { count: FRAMES })} disabled={problems?.length !== 0} look={look} />;
}
