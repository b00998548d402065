// What there is to go to, and how the page looks.
import { route } from "../router";
import { caller, needsToken, signOut, token } from "../session";
import { type Language, language, speak, t, word } from "../texts";
import { THEMES, type Theme, theme } from "../theme";

const PAGES = ["jobs", "new", "templates", "pools", "statistics"] as const;

export function Header() {
  const { page } = route.value;
  return (
    <header>
      <a class="brand" href="#/jobs"><span aria-hidden="true">▶</span> VideoJobs</a>
      {caller.value && !needsToken.value && (
        <nav aria-label={t("nav")}>
          {PAGES.filter((each) => each !== "new" || caller.value?.role !== "viewer").map((each) => (
            <a key={each} href={`#/${each}`} aria-current={page === each ? "page" : undefined}>{t(`nav.${each}`)}</a>
          ))}
        </nav>
      )}
      <div class="settings">
        {caller.value && token.value && (
          <>
            <span class="who" title={word("role", caller.value.role)}>{caller.value.user}</span>
            <button type="button" onClick={signOut}>{t("signOut")}</button>
          </>
        )}
        <select aria-label={t("theme")} value={theme.value} onChange={(event) => (theme.value = event.currentTarget.value as Theme)}>
          {THEMES.map((each) => <option key={each} value={each}>{t(`theme.${each}`)}</option>)}
        </select>
        <select aria-label={t("language")} value={language.value} onChange={(event) => speak(event.currentTarget.value as Language)}>
          <option value="en" lang="en">English</option>
          <option value="de" lang="de">Deutsch</option>
        </select>
      </div>
    </header>
  );
}
