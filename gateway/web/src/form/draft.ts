// A VideoJob that is being written: its document, what is wrong with it as the gateway says, and how fields change it.
import { createContext } from "preact";
import { useContext, useEffect, useRef, useState } from "preact/hooks";
import { POST, answer, newKey } from "../api";
import { complain } from "../parts/notices";
import { go, link } from "../router";
import type { NewJob, Problem } from "../types";

const TYPING_MS = 300;

export interface Draft {
  document: NewJob;
  /** Every field that is wrong; null until it is known. */
  problems: Problem[] | null;
  /** Whether the problem of a field is to be shown: not before somebody was there. */
  isShown(path: string): boolean;
  get(path: string): unknown;
  /** Put a value at a path such as `spec.clips[0].duration`; undefined takes it out. */
  set(path: string, value: unknown): void;
  /** Put an entry at the end of the list at a path. */
  append(path: string, entry: unknown): void;
  touch(path: string): void;
  replace(document: NewJob): void;
  submit(): Promise<void>;
  busy: boolean;
}

const Context = createContext<Draft | null>(null);
export const DraftProvider = Context.Provider;

export function useDraft(): Draft {
  const draft = useContext(Context);
  if (!draft) throw new Error("a field is within a form");
  return draft;
}

/** A draft that begins as `initial`; `onChange` is told of each change. */
export function useNewDraft(initial: NewJob, onChange: (document: NewJob) => void = () => {}, onDone: () => void = () => {}): Draft {
  const [document, setDocument] = useState(initial);
  const [problems, setProblems] = useState<Problem[] | null>(null);
  const [touched, setTouched] = useState<ReadonlySet<string>>(new Set());
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const key = useRef({ body: "", key: "" });

  useEffect(() => {
    const timer = setTimeout(() => void check(document).then(setProblems, complain), TYPING_MS);
    return () => clearTimeout(timer);
  }, [document]);

  const change = (make: (before: NewJob) => NewJob) => {
    setDocument((before) => {
      const after = make(before);
      onChange(after);
      return after;
    });
  };
  return {
    document,
    problems,
    busy,
    isShown: (path) => tried || touched.has(path),
    get: (path) => at(document, path),
    set: (path, value) => change((before) => put(before, steps(path), value) as NewJob),
    append: (path, entry) =>
      change((before) => put(before, steps(path), [...((at(before, path) as unknown[] | undefined) ?? []), entry]) as NewJob),
    touch: (path) => setTouched((before) => new Set(before).add(path)),
    replace: (after) => change(() => after),
    submit: async () => {
      setTried(true);
      setBusy(true);
      try {
        const found = await check(document);
        setProblems(found);
        if (found.length === 0) {
          // The same body is sent with the same key: a second click, or a lost answer, makes no second VideoJob.
          const body = JSON.stringify(document);
          if (key.current.body !== body) key.current = { body, key: newKey() };
          const header = { "idempotency-key": key.current.key };
          const job = await answer(POST("/api/v1/jobs", { params: { header }, body: document }));
          onDone();
          go(link("jobs", job.name));
        }
      } catch (error) {
        complain(error);
      }
      setBusy(false);
    },
  };
}

async function check(document: NewJob): Promise<Problem[]> {
  return (await answer(POST("/api/v1/validate", { body: document }))).errors;
}

export function steps(path: string): (string | number)[] {
  return (path.match(/[^.[\]]+/g) ?? []).map((step) => (/^\d+$/.test(step) ? Number(step) : step));
}

function at(document: unknown, path: string): unknown {
  return steps(path).reduce<unknown>((node, step) => (node as Record<string | number, unknown> | undefined | null)?.[step], document);
}

/** Return a copy of a document with a value at a path; objects and lists that lack on the way are made. */
export function put(node: unknown, path: (string | number)[], value: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  const copy: Record<string | number, unknown> | unknown[] =
    typeof step === "number" ? [...((node as unknown[] | undefined) ?? [])] : { ...(node as object | undefined) };
  const inner = put((copy as Record<string | number, unknown>)[step], rest, value);
  if (inner === undefined && typeof step === "string") delete (copy as Record<string, unknown>)[step];
  else (copy as Record<string | number, unknown>)[step] = inner;
  return copy;
}
