// A list of rows of one height, of which only those are in the document that are seen: ten thousand cost what thirty do.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { JSX } from "preact";

const SPARE = 8; // rows above and below what is seen

interface Props<T> {
  items: T[];
  rowHeight: number;
  label: string;
  keyOf(item: T): string;
  row(item: T): JSX.Element;
  /** Called when the end comes near. */
  onEnd(): void;
}

export function VirtualList<T>({ items, rowHeight, label, keyOf, row, onEnd }: Props<T>) {
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(600);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setHeight(element.clientHeight));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const first = Math.max(0, Math.floor(top / rowHeight) - SPARE);
  const end = Math.min(items.length, Math.ceil((top + height) / rowHeight) + SPARE);

  useLayoutEffect(() => {
    if (end > items.length - 50) onEnd();
  });

  function onKeyDown(event: KeyboardEvent): void {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity }[event.key];
    const at = (event.target as HTMLElement).closest("[aria-posinset]")?.getAttribute("aria-posinset");
    if (step === undefined || !at || !box.current) return;
    event.preventDefault();
    const to = Math.min(items.length - 1, Math.max(0, Number(at) - 1 + step));
    const element = box.current;
    const above = to * rowHeight;
    if (above < element.scrollTop) element.scrollTop = above;
    else if (above + rowHeight > element.scrollTop + height) element.scrollTop = above + rowHeight - height;
    setTop(element.scrollTop);
    const find = () => element.querySelector<HTMLElement>(`[aria-posinset="${to + 1}"] a`);
    const there = find();
    if (there) there.focus({ preventScroll: true });
    else requestAnimationFrame(() => find()?.focus({ preventScroll: true })); // once it is drawn
  }

  return (
    <div class="list" ref={box} onScroll={() => setTop(box.current?.scrollTop ?? 0)} onKeyDown={onKeyDown}>
      <ul aria-label={label} style={{ height: `${items.length * rowHeight}px` }}>
        {items.slice(first, end).map((item, index) => (
          <li
            key={keyOf(item)}
            aria-posinset={first + index + 1}
            aria-setsize={items.length}
            style={{ top: `${(first + index) * rowHeight}px`, height: `${rowHeight}px` }}
          >
            {row(item)}
          </li>
        ))}
      </ul>
    </div>
  );
}
