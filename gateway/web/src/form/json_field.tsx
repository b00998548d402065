// The whole document as text: what the form has no field for can be written here.
import { useState } from "preact/hooks";
import { t } from "../texts";
import type { NewJob } from "../types";
import { useDraft } from "./draft";

export function JsonField() {
  const draft = useDraft();
  const [text, setText] = useState(() => JSON.stringify(draft.document, null, 2));
  const [problem, setProblem] = useState("");

  function change(after: string): void {
    setText(after);
    try {
      const document: unknown = JSON.parse(after);
      if (typeof document !== "object" || document === null || !("spec" in document)) throw new Error(t("form.noSpec"));
      setProblem("");
      draft.replace(document as NewJob);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  }

  return (
    <div class="field">
      <label for="json">{t("form.document")}</label>
      <textarea id="json" class="code" rows={24} spellcheck={false} value={text} aria-invalid={problem ? true : undefined}
        aria-describedby="json-problem" onInput={(event) => change(event.currentTarget.value)} />
      <p id="json-problem" class="problem" role="alert">{problem}</p>
    </div>
  );
}
