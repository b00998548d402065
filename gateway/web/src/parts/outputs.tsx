// What a VideoJob has made: to be played, looked at and downloaded.
import { useEffect, useRef, useState } from "preact/hooks";
import { bytes, span } from "../format";
import { admitPlayers, dismissPlayers } from "../session";
import { t } from "../texts";
import type { Job, Published } from "../types";

const ADMITTED_MS = 30 * 60_000;
const PLAYED = /\.(mp4|webm)$/;
const HEARD = /\.(mp3|m4a)$/;
const SEEN = /\.(jpg|jpeg|png|gif|webp)$/;
const HLS = /\.m3u8$/;
const HLS_TYPE = "application/vnd.apple.mpegurl";

export function Outputs({ job }: { job: Job }) {
  const outputs = job.status.outputs ?? [];
  const [admitted, setAdmitted] = useState(false);
  useEffect(() => {
    admitPlayers(job.id);
    setAdmitted(true);
    const timer = setInterval(() => admitPlayers(job.id), ADMITTED_MS);
    return () => {
      clearInterval(timer);
      dismissPlayers(job.id);
    };
  }, [job.id]);
  if (!outputs.length || !admitted) return null;
  const poster = outputs.find((each) => SEEN.test(each.uri) && each.name === "poster");
  return (
    <section class="card" aria-labelledby="outputs">
      <h2 id="outputs">{t("job.outputs")}</h2>
      <ul class="outputs">
        {outputs.map((output) => (
          <li key={output.name}>
            <Shown output={output} url={urlOf(job.id, output)} poster={poster && urlOf(job.id, poster)} />
            <p>
              <strong>{output.name}</strong>{" "}
              <span class="quiet">
                {[
                  output.width && output.height ? `${output.width}×${output.height}` : "",
                  output.duration ? span(output.duration) : "",
                  bytes(output.bytes),
                ].filter(Boolean).join(" · ")}
              </span>
            </p>
            {!HLS.test(output.uri) && <a class="button" href={urlOf(job.id, output)} download={nameOf(job, output)}>{t("job.download")}</a>}
            <p class="uri quiet">{output.uri}</p>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Shown({ output, url, poster }: { output: Published; url: string; poster: string | undefined }) {
  const [broken, setBroken] = useState(false);
  if (broken) return <p class="hint">{t("job.notShown")}</p>;
  const fails = () => setBroken(true);
  if (HLS.test(output.uri)) return <HlsPlayer url={url} poster={poster} name={output.name} onFail={fails} />;
  if (PLAYED.test(output.uri)) {
    return <video controls preload="metadata" playsInline src={url} poster={poster} aria-label={output.name} onError={fails} />;
  }
  if (HEARD.test(output.uri)) return <audio controls preload="metadata" src={url} aria-label={output.name} onError={fails} />;
  if (SEEN.test(output.uri)) return <img src={url} alt={output.name} loading="lazy" onError={fails} />;
  return null;
}

interface HlsProps {
  url: string;
  poster: string | undefined;
  name: string;
  onFail(): void;
}

/** Plays a playlist: by the browser if it can, or else by hls.js, which is loaded then. */
function HlsPlayer({ url, poster, name, onFail }: HlsProps) {
  const element = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const video = element.current;
    if (!video) return;
    if (video.canPlayType(HLS_TYPE)) {
      video.src = url;
      return;
    }
    let stop = () => {};
    let wanted = true;
    void import("hls.js").then(({ default: Hls }) => {
      if (!wanted) return;
      if (!Hls.isSupported()) return onFail();
      const player = new Hls({ enableWorker: false }); // a worker would be a script that no file of ours is
      player.on(Hls.Events.ERROR, (_, { fatal }) => fatal && onFail());
      player.loadSource(url);
      player.attachMedia(video);
      stop = () => player.destroy();
    }, onFail);
    return () => {
      wanted = false;
      stop();
    };
  }, [url]);
  return <video ref={element} controls playsInline poster={poster} aria-label={name} onError={onFail} />;
}

function urlOf(id: string, output: Published): string {
  return `/api/v1/jobs/${encodeURIComponent(id)}/outputs/${encodeURIComponent(output.name)}`;
}

function nameOf(job: Job, output: Published): string {
  return `${job.name}-${output.name}${/\.[a-z0-9]+$/.exec(output.uri)?.[0] ?? ""}`;
}
