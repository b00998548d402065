// What keeps a form from being sent, each with a way to its field.
import { t } from "../texts";
import { useDraft } from "./draft";

export function ProblemList() {
  const { problems } = useDraft();
  if (!problems) return <p class="quiet" role="status">{t("form.checking")}</p>;
  if (!problems.length) return <p class="good" role="status">{t("form.valid")}</p>;
  return (
    <details class="problems" aria-live="polite">
      <summary>{t(problems.length === 1 ? "form.oneProblem" : "form.problems", { count: problems.length })}</summary>
      <ul>
        {problems.map(({ path, message }) => (
          <li key={path + message}><button type="button" class="plain" onClick={() => visit(path)}><code>{path}</code></button> {message}</li>
        ))}
      </ul>
    </details>
  );
}

/** Go to the field of a path, or to the first that is within it, or to that which it is within. */
function visit(path: string): void {
  const fields = [...document.querySelectorAll<HTMLElement>("[data-path]")];
  const pathOf = (field: HTMLElement) => field.dataset["path"] ?? "";
  const found =
    fields.find((field) => pathOf(field) === path) ??
    fields.find((field) => pathOf(field).startsWith(path)) ??
    fields.filter((field) => path.startsWith(pathOf(field))).sort((a, b) => pathOf(b).length - pathOf(a).length)[0];
  found?.closest("details")?.setAttribute("open", "");
  found?.focus();
}
