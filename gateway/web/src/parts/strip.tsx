// The timeline of a VideoJob as a strip: frames of it, evenly spread, by an idle worker of its pool.
import { POST, answer } from "../api";
import { t } from "../texts";
import type { Job, NewJob } from "../types";
import { Looked, type Seen } from "./looked";

const FRAMES = 12;
const WIDTH_PX = 1280;

export function Strip({ job }: { job: Job }) {
  async function look(): Promise<Seen> {
    const query = { frames: FRAMES, width: WIDTH_PX };
    const body = { spec: job.spec } as NewJob;
    const picture = await answer(POST("/api/v1/preview", { params: { query }, body, parseAs: "blob" }));
    return { picture: picture as Blob, words: "" };
  }

  return (
    <section class="card">
      <Looked name={t("job.timeline")} button={t("preview.show", { count: FRAMES })} look={look} />
    </section>
  );
}
