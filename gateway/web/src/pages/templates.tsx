// The templates that there are, and a form of the parameters of one.
import { GET, answer } from "../api";
import { useNewDraft } from "../form/draft";
import { DraftForm } from "../form/draft_form";
import { ChoiceField, NumberField, TextField } from "../form/fields";
import { Scheduling, usePools } from "../form/sections";
import { wordsOf } from "../parts/notices";
import { useAsked } from "../parts/resource";
import { link, route } from "../router";
import { maySubmit } from "../session";
import { t } from "../texts";
import type { Parameter, Template } from "../types";

export function TemplatesPage() {
  const { name } = route.value;
  const { data, error } = useAsked(() => answer(GET("/api/v1/templates")), []);
  if (error) return <p class="problem" role="alert">{wordsOf(error)}</p>;
  if (!data) return <p class="quiet" role="status">{t("loading")}</p>;
  const chosen = data.items.find((template) => template.name === name);
  if (chosen) return <TemplateForm key={chosen.name} template={chosen} />;
  return (
    <section>
      <h1>{t("nav.templates")}</h1>
      {name && <p class="problem" role="alert">{t("templates.noSuch", { name })}</p>}
      {data.items.length === 0 && <p class="quiet">{t("templates.none")}</p>}
      <ul class="cards">
        {data.items.map((template) => (
          <li key={template.name} class="card">
            <h2>{maySubmit() ? <a href={link("templates", template.name)}>{template.name}</a> : template.name}</h2>
            <p>{template.description}</p>
            <p class="quiet">{template.parameters.map((parameter) => parameter.name).join(", ")}</p>
          </li>
        ))}
      </ul>
    </section>
  );
}

function TemplateForm({ template }: { template: Template }) {
  const draft = useNewDraft({ spec: { templateRef: { name: template.name }, parameters: {} } } as never);
  const pools = usePools();
  return (
    <DraftForm draft={draft}>
      <h1>{template.name}</h1>
      <p>{template.description}</p>
      <TextField path="name" label={t("form.name")} hint={t("form.nameHint")} />
      {template.parameters.map((parameter) => <ParameterField key={parameter.name} parameter={parameter} />)}
      <Scheduling pools={pools} />
    </DraftForm>
  );
}

function ParameterField({ parameter }: { parameter: Parameter }) {
  const { name, type, description, enum: values } = parameter;
  const preset = parameter.default ?? undefined;
  const shared = {
    path: `spec.parameters.${name}`,
    label: name,
    hint: description || undefined,
    placeholder: preset === undefined ? undefined : String(preset),
    required: preset === undefined,
  };
  const none = preset === undefined ? "" : t("templates.default", { value: words(preset) });
  if (values) return <TypedChoice shared={shared} values={values} none={none} />;
  if (type === "boolean") return <TypedChoice shared={shared} values={[true, false]} none={none} />;
  if (type === "number" || type === "integer") return <NumberField {...shared} step={type === "integer" ? 1 : undefined} />;
  return <TextField {...shared} />;
}

interface ChoiceProps {
  shared: { path: string; label: string; hint?: string; required: boolean };
  values: (string | number | boolean)[];
  none: string;
}

/** A choice of values that need not be text: the draft has the value, and the field its words. */
function TypedChoice({ shared, values, none }: ChoiceProps) {
  const typed = Object.fromEntries(values.map((value) => [String(value), value]));
  return <ChoiceField {...shared} none={none} typed={typed} choices={values.map((value) => ({ value: String(value), label: words(value) }))} />;
}

function words(value: string | number | boolean): string {
  return typeof value === "boolean" ? t(value ? "yes" : "no") : String(value);
}
