// Something that is asked for once a page is shown, and again when it is wanted.
import { useEffect, useState } from "preact/hooks";

interface Asked<T> {
  data: T | null;
  error: unknown;
  reload(): void;
}

/** Ask, whenever one of `inputs` changes; what was asked for before and comes late is let go. */
export function useAsked<T>(ask: () => Promise<T>, inputs: readonly unknown[], everyMs = 0): Asked<T> {
  const [found, setFound] = useState<{ data: T | null; error: unknown }>({ data: null, error: null });
  const [times, setTimes] = useState(0);
  useEffect(() => {
    let wanted = true;
    const show = (data: T | null, error: unknown) => wanted && setFound((before) => ({ data: data ?? before.data, error }));
    const once = () => void ask().then((data) => show(data, null), (error: unknown) => show(null, error));
    once();
    const timer = everyMs ? setInterval(() => document.hidden || once(), everyMs) : 0;
    return () => {
      wanted = false;
      clearInterval(timer);
    };
  }, [...inputs, times]);
  return { ...found, reload: () => setTimes((before) => before + 1) };
}
