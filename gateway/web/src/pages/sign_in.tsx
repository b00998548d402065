// Asks for a token or an API key, where the gateway asks who calls.
import { useState } from "preact/hooks";
import { Refusal } from "../api";
import { wordsOf } from "../parts/notices";
import { signIn } from "../session";
import { t } from "../texts";

export function SignInPage() {
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);

  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const given = String(new FormData(event.currentTarget as HTMLFormElement).get("token") ?? "").trim();
    if (!/^[\w.~+/=-]{1,4000}$/.test(given)) return setProblem(t("signIn.noToken"));
    setBusy(true);
    try {
      const headers = { Authorization: `Bearer ${given}` };
      const response = await fetch("/api/v1/caller", { headers, cache: "no-store" });
      if (!response.ok) throw new Refusal(await response.json(), response.status);
      signIn(given);
    } catch (error) {
      setProblem(wordsOf(error));
    }
    setBusy(false);
  }

  return (
    <form class="card narrow" onSubmit={submit}>
      <h1>{t("signIn")}</h1>
      <p>{t("signIn.how")}</p>
      <label for="token">{t("signIn.token")}</label>
      <input id="token" name="token" type="password" autocomplete="current-password" required spellcheck={false}
        aria-invalid={problem ? true : undefined} aria-describedby="token-problem" />
      <p id="token-problem" class="problem" role="alert">{problem}</p>
      <button class="primary" disabled={busy}>{t("signIn")}</button>
    </form>
  );
}
