// What an idle worker sees when it is asked: asked for by a button, and shown or refused below it.
import { useEffect, useState } from "preact/hooks";
import { t } from "../texts";
import { wordsOf } from "./notices";

export interface Seen {
  picture: Blob;
  words: string;
}

interface Props {
  name: string;
  /** What the button says. */
  button: string;
  disabled?: boolean;
  look: () => Promise<Seen>;
}

export function Looked({ name, button, disabled, look }: Props) {
  const [seen, setSeen] = useState<{ url: string; words: string } | null>(null);
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  useEffect(() => () => URL.revokeObjectURL(seen?.url ?? ""), [seen]);

  async function ask(): Promise<void> {
    setBusy(true);
    setProblem("");
    try {
      const { picture, words } = await look();
      setSeen({ url: URL.createObjectURL(picture), words });
    } catch (error) {
      setSeen(null);
      setProblem(wordsOf(error));
    }
    setBusy(false);
  }

  return (
    <section class="preview" aria-label={name}>
      <button type="button" disabled={busy || disabled} onClick={() => void ask()}>{button}</button>
      <div role="status">
        {busy && <p class="quiet">{t("loading")}</p>}
        {problem && <p class="problem">{problem}</p>}
        {seen && !busy && (
          <figure>
            <img src={seen.url} alt={name} />
            {seen.words && <figcaption class="quiet">{seen.words}</figcaption>}
          </figure>
        )}
      </div>
    </section>
  );
}
