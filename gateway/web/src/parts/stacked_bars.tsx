// How many VideoJobs of each group are in each phase, as bars; the table beside it has the numbers for who sees none.
import { number } from "../format";
import { word } from "../texts";
import { PHASES, type Statistics } from "../types";

const ROW = 26;
const LABEL = 130;
const COUNT = 60;
/** In pixels, about as wide as it is shown: so that text has its size. */
const WIDE = 720;
const NARROW = 340;

interface Props {
  groups: Pick<Statistics["groups"][number], "key" | "jobs" | "phases">[];
  label: string;
}

export function StackedBars({ groups, label }: Props) {
  const most = Math.max(1, ...groups.map((group) => group.jobs));
  const width = innerWidth < WIDE ? NARROW : WIDE;
  const scale = (width - LABEL - COUNT) / most;
  const shown = PHASES.filter((phase) => groups.some((group) => group.phases[phase]));
  return (
    <>
      <svg role="img" aria-label={label} viewBox={`0 0 ${width} ${Math.max(1, groups.length) * ROW}`} class="bars">
        {groups.map((group, index) => {
          let x = LABEL;
          return (
            <g key={group.key} transform={`translate(0 ${index * ROW})`}>
              <text x={LABEL - 8} y={ROW / 2} text-anchor="end" dominant-baseline="middle">{shorten(group.key || "–")}</text>
              {PHASES.map((phase) => {
                const length = (group.phases[phase] ?? 0) * scale;
                const at = x;
                x += length;
                return length ? <rect key={phase} class={phase} x={at} y={3} width={length} height={ROW - 6}><title>{word("phase", phase)}: {group.phases[phase]}</title></rect> : null;
              })}
              <text x={x + 8} y={ROW / 2} dominant-baseline="middle">{number(group.jobs)}</text>
            </g>
          );
        })}
      </svg>
      <ul class="legend">{shown.map((phase) => <li key={phase}><span class={`swatch ${phase}`} aria-hidden="true" />{word("phase", phase)}</li>)}</ul>
    </>
  );
}

function shorten(text: string): string {
  return text.length > 18 ? `${text.slice(0, 17)}…` : text;
}
