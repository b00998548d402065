// A list whose entries are put in order by the mouse, by buttons and by the arrow keys.
import { useRef, useState } from "preact/hooks";
import type { JSX } from "preact";
import { t } from "../texts";
import { useDraft } from "./draft";

interface Props<T> {
  path: string;
  /** What an entry is called, such as "Clip". */
  noun: string;
  titleOf(entry: T): string;
  entry(path: string, entry: T, index: number): JSX.Element;
}

export function Sortable<T>({ path, noun, titleOf, entry }: Props<T>) {
  const draft = useDraft();
  const entries = (draft.get(path) as T[] | undefined) ?? [];
  const ids = useIds(entries.length);
  const [said, setSaid] = useState("");
  const [over, setOver] = useState<number | null>(null);
  const dragged = useRef<number | null>(null);

  function move(from: number, to: number): void {
    if (to < 0 || to >= entries.length || from === to) return;
    ids.move(from, to);
    draft.set(path, moved(entries, from, to));
    setSaid(t("form.moved", { what: `${noun} ${from + 1}`, place: to + 1, count: entries.length }));
  }

  function remove(index: number): void {
    ids.remove(index);
    draft.set(path, entries.filter((_, each) => each !== index));
    setSaid(t("form.removed", { what: `${noun} ${index + 1}` }));
  }

  function onKeyDown(event: KeyboardEvent, index: number): void {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    move(index, index + step);
  }

  function onDrop(event: DragEvent, index: number): void {
    event.preventDefault();
    if (dragged.current !== null) move(dragged.current, index);
    dragged.current = null;
    setOver(null);
  }

  return (
    <>
      <ol class="sortable">
        {entries.map((each, index) => (
          <li key={ids.of(index)} class={over === index ? "over" : ""} onDrop={(event) => onDrop(event, index)}
            onDragOver={(event) => { if (dragged.current !== null) { event.preventDefault(); setOver(index); } }}>
            <fieldset class="card">
              <legend>{noun} {index + 1}: {titleOf(each)}</legend>
              <div class="tools">
                <button type="button" class="handle" draggable aria-label={t("form.order", { what: `${noun} ${index + 1}` })}
                  aria-keyshortcuts="ArrowUp ArrowDown" title={t("form.orderHow")} onKeyDown={(event) => onKeyDown(event, index)}
                  onDragStart={(event) => { dragged.current = index; event.dataTransfer?.setData("text/plain", String(index)); }}
                  onDragEnd={() => { dragged.current = null; setOver(null); }}>⠿</button>
                <button type="button" aria-label={t("form.up", { what: `${noun} ${index + 1}` })} disabled={index === 0} onClick={() => move(index, index - 1)}>↑</button>
                <button type="button" aria-label={t("form.down", { what: `${noun} ${index + 1}` })} disabled={index === entries.length - 1} onClick={() => move(index, index + 1)}>↓</button>
                <button type="button" aria-label={t("form.remove", { what: `${noun} ${index + 1}` })} onClick={() => remove(index)}>×</button>
              </div>
              {entry(`${path}[${index}]`, each, index)}
            </fieldset>
          </li>
        ))}
      </ol>
      <p class="unseen" role="status">{said}</p>
    </>
  );
}

function moved<T>(entries: T[], from: number, to: number): T[] {
  const rest = entries.filter((_, index) => index !== from);
  return [...rest.slice(0, to), entries[from] as T, ...rest.slice(to)];
}

/** Something to know each entry by, wherever it goes: so its fields, and the focus, go with it. */
function useIds(count: number) {
  const state = useRef({ ids: [] as number[], next: 0 });
  const { current } = state;
  current.ids.length = Math.min(count, current.ids.length);
  while (current.ids.length < count) current.ids.push(current.next++);
  return {
    of: (index: number) => current.ids[index],
    move: (from: number, to: number) => (current.ids = moved(current.ids, from, to)),
    remove: (index: number) => (current.ids = current.ids.filter((_, each) => each !== index)),
  };
}
