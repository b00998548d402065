// Fields of a form, each of a path of the document, with what is wrong at that path.
import { useId } from "preact/hooks";
import type { ComponentChildren } from "preact";
import { type Draft, useDraft } from "./draft";

interface FieldProps {
  path: string;
  label: string;
  hint?: string;
  placeholder?: string;
  required?: boolean;
  /** Whether it needs room. */
  wide?: boolean;
}

interface Bound {
  id: string;
  "aria-invalid": true | undefined;
  "aria-describedby": string;
  "data-path": string;
  required: boolean | undefined;
  onBlur(): void;
}

function useField({ path, required }: FieldProps): { draft: Draft; bound: Bound; problems: string[] } {
  const draft = useDraft();
  const id = useId();
  const found = draft.isShown(path) ? (draft.problems ?? []).filter((each) => belongs(each.path, path)) : [];
  const bound: Bound = {
    id,
    "aria-invalid": found.length ? true : undefined,
    "aria-describedby": `${id}-about`,
    "data-path": path,
    required,
    onBlur: () => draft.touch(path),
  };
  return { draft, bound, problems: found.map((each) => each.message) };
}

/** A problem is said at the field of its path; one of what lacks altogether at the field that would bring it. */
function belongs(problem: string, path: string): boolean {
  return problem === path || path.startsWith(`${problem}.`);
}

interface LabelledProps extends Pick<FieldProps, "label" | "hint" | "wide"> {
  bound: Bound;
  problems: string[];
  children: ComponentChildren;
}

function Labelled({ bound, label, hint, wide, problems, children }: LabelledProps) {
  return (
    <div class={wide ? "field wide" : "field"}>
      <label for={bound.id}>{label}</label>
      {children}
      <div id={`${bound.id}-about`} class="about">
        {problems.map((each) => <p key={each} class="problem">{each}</p>)}
        {hint && <p class="hint">{hint}</p>}
      </div>
    </div>
  );
}

export function TextField(props: FieldProps & { list?: string; suggestions?: string[]; lines?: number }) {
  const { draft, bound, problems } = useField(props);
  const value = String(draft.get(props.path) ?? "");
  const onInput = (event: Event) => draft.set(props.path, (event.currentTarget as HTMLInputElement).value || undefined);
  const list = props.suggestions ? `${bound.id}-list` : undefined;
  return (
    <Labelled bound={bound} label={props.label} hint={props.hint} wide={props.wide} problems={problems}>
      {props.lines ? (
        <textarea {...bound} rows={props.lines} value={value} placeholder={props.placeholder} onInput={onInput} />
      ) : (
        <input {...bound} value={value} placeholder={props.placeholder} list={list} spellcheck={false} autocomplete="off" onInput={onInput} />
      )}
      {props.suggestions && <datalist id={list}>{props.suggestions.map((each) => <option key={each} value={each} />)}</datalist>}
    </Labelled>
  );
}

export function NumberField(props: FieldProps & { min?: number; max?: number; step?: number }) {
  const { draft, bound, problems } = useField(props);
  const onInput = (event: Event) => {
    const text = (event.currentTarget as HTMLInputElement).value;
    draft.set(props.path, text === "" ? undefined : Number(text));
  };
  return (
    <Labelled bound={bound} label={props.label} hint={props.hint} problems={problems}>
      <input {...bound} type="number" min={props.min} max={props.max} step={props.step ?? "any"} placeholder={props.placeholder}
        value={String(draft.get(props.path) ?? "")} onInput={onInput} />
    </Labelled>
  );
}

export function ColorField(props: FieldProps & { fallback: string }) {
  const { draft, bound, problems } = useField(props);
  return (
    <Labelled bound={bound} label={props.label} hint={props.hint} problems={problems}>
      <input {...bound} type="color" value={String(draft.get(props.path) ?? props.fallback)}
        onInput={(event) => draft.set(props.path, event.currentTarget.value)} />
    </Labelled>
  );
}

export function CheckField(props: FieldProps) {
  const { draft, bound, problems } = useField(props);
  return (
    <div class="field check">
      <input {...bound} type="checkbox" checked={draft.get(props.path) === true}
        onChange={(event) => draft.set(props.path, event.currentTarget.checked || undefined)} />
      <label for={bound.id}>{props.label}</label>
      <div id={`${bound.id}-about`} class="about">{problems.map((each) => <p key={each} class="problem">{each}</p>)}</div>
    </div>
  );
}

/** A choice; the first, without a value, leaves the field out. `typed` has the values that are no text; without
 * one, all that is at `of` goes. */
export function ChoiceField(props: FieldProps & { choices: { value: string; label: string }[]; none?: string; typed?: Record<string, unknown>; of?: string }) {
  const { draft, bound, problems } = useField(props);
  const choose = (value: string) => {
    if (value) draft.set(props.path, props.typed?.[value] ?? value);
    else draft.set(props.of ?? props.path, undefined);
  };
  return (
    <Labelled bound={bound} label={props.label} hint={props.hint} problems={problems}>
      <select {...bound} value={String(draft.get(props.path) ?? "")} onChange={(event) => choose(event.currentTarget.value)}>
        {props.none !== undefined && <option value="">{props.none}</option>}
        {props.choices.map(({ value, label }) => <option key={value} value={value}>{label}</option>)}
      </select>
    </Labelled>
  );
}
