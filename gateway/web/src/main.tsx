// The page: who is signed in, what there is to go to, and the part of it that the address names.
import "./style.css";
import { render } from "preact";
import { useEffect } from "preact/hooks";
import { GET, Refusal, answer } from "./api";
import { Header } from "./parts/header";
import { Notices, complain } from "./parts/notices";
import { JobPage } from "./pages/job";
import { JobsPage } from "./pages/jobs";
import { NewJobPage } from "./pages/new_job";
import { PoolsPage } from "./pages/pools";
import { SignInPage } from "./pages/sign_in";
import { StatisticsPage } from "./pages/statistics";
import { TemplatesPage } from "./pages/templates";
import { route } from "./router";
import { caller, needsToken, token } from "./session";
import { t } from "./texts";
import "./theme";

function App() {
  const signedIn = caller.value !== null;
  useEffect(() => {
    answer(GET("/api/v1/caller")).then(
      (known) => (caller.value = known),
      (error: unknown) => {
        if (error instanceof Refusal && error.status === 401) return;
        complain(error);
      },
    );
  }, [token.value]);
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>{t("skip")}</a>
      <Header />
      <main id="main" tabIndex={-1}>
        {needsToken.value ? <SignInPage /> : signedIn ? <Page /> : <p class="quiet" role="status">{t("loading")}</p>}
      </main>
      <Notices />
    </>
  );
}

function Page() {
  const { page, name } = route.value;
  switch (page) {
    case "jobs":
      return name ? <JobPage key={name} name={name} /> : <JobsPage />;
    case "new":
      return <NewJobPage />;
    case "templates":
      return <TemplatesPage />;
    case "pools":
      return <PoolsPage />;
    case "statistics":
      return <StatisticsPage />;
  }
  return <p>{t("noSuchPage")} <a href="#/jobs">{t("nav.jobs")}</a></p>;
}

function skip(event: Event): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

const app = document.getElementById("app");
if (app) render(<App />, app);
