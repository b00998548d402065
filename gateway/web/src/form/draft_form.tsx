// The form around a draft: what it is made of, how it would look, what is wrong with it, and the button that has it rendered.
import type { ComponentChildren } from "preact";
import { t } from "../texts";
import { type Draft, DraftProvider } from "./draft";
import { Preview } from "./preview";
import { ProblemList } from "./problem_list";

export function DraftForm({ draft, children }: { draft: Draft; children: ComponentChildren }) {
  return (
    <DraftProvider value={draft}>
      <form class="form" noValidate onSubmit={(event) => { event.preventDefault(); void draft.submit(); }}>
        {children}
        <Preview />
        <div class="submit">
          <ProblemList />
          <button class="primary" disabled={draft.busy}>{t("form.submit")}</button>
        </div>
      </form>
    </DraftProvider>
  );
}
