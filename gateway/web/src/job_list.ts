// The list that is shown: pages as they are needed, and what changes as it does. Kept in the order of its sort.
import { batch, signal } from "@preact/signals";
import { GET, Refusal, answer } from "./api";
import { type ServerEvent, follow } from "./stream";
import { type ListedJob, type Phase, type Said, withProgress } from "./types";

export const SORTS = ["-created", "created", "-finished", "finished", "name", "-name"] as const;
export type Sort = (typeof SORTS)[number];

export interface Query {
  text: string;
  phase: Phase[];
  user: string;
  project: string;
  pool: string;
  queue: string;
  label: string;
  sort: Sort;
}

const PAGE = 200;
const COUNTS_MS = 5000;

export class JobList {
  readonly jobs = signal<ListedJob[]>([]);
  readonly counts = signal<Record<string, number>>({});
  readonly more = signal(false);
  readonly loading = signal(true);
  readonly live = signal(true);
  readonly problem = signal<Refusal | null>(null);

  private readonly query: Query;
  private readonly known = new Map<string, ListedJob>();
  /** What events have told, which is as new as anything: null for what is gone. */
  private readonly told = new Map<string, ListedJob | null>();
  private next: string | null = null;
  private generation = 0;
  private drawing = 0;
  private counting = 0;
  private readonly stop: () => void;

  constructor(query: Query) {
    this.query = query;
    const asked = new URLSearchParams();
    for (const name of ["user", "project", "pool", "queue", "label"] as const) {
      if (query[name]) asked.set(name, query[name]);
    }
    this.stop = follow(`/api/v1/stream?${asked}`, {
      onEvent: (event) => this.hear(event),
      onLive: (live) => (this.live.value = live),
    });
    void this.load();
    void this.count();
  }

  close(): void {
    this.stop();
    this.generation++;
    cancelAnimationFrame(this.drawing);
    clearTimeout(this.counting);
  }

  /** Fetch the page that follows, unless one is being fetched. */
  async loadMore(): Promise<void> {
    if (this.next && !this.loading.value) await this.fetchPage(this.next);
  }

  private async load(): Promise<void> {
    this.generation++;
    this.told.clear();
    await this.fetchPage("");
  }

  private async fetchPage(cursor: string): Promise<void> {
    const generation = this.generation;
    this.loading.value = true;
    try {
      const { text, phase, user, project, pool, queue, label, sort } = this.query;
      const query = {
        text, phase, sort, cursor, limit: PAGE,
        user: user || undefined, project: project || undefined, pool: pool || undefined, queue: queue || undefined,
        label: label ? [label] : [],
      };
      const page = await answer(GET("/api/v1/jobs", { params: { query } }));
      if (generation !== this.generation) return;
      if (!cursor) this.known.clear();
      for (const job of page.items) {
        const newer = this.told.get(job.id);
        if (newer === undefined) this.known.set(job.id, job);
        else if (newer && this.isWanted(newer)) this.known.set(job.id, newer);
      }
      this.next = page.next;
      this.problem.value = null;
    } catch (error) {
      if (generation !== this.generation) return;
      this.problem.value = error instanceof Refusal ? error : new Refusal({ detail: String(error) });
    }
    this.loading.value = false;
    this.draw();
  }

  private hear({ name, data }: ServerEvent): void {
    if (name === "reset" || (name === "ready" && !this.loading.value)) {
      void this.load();
      return;
    }
    if (name === "progress") {
      this.advance(JSON.parse(data) as Said);
      return;
    }
    if (name !== "job" && name !== "deleted") return;
    const job = JSON.parse(data) as ListedJob;
    this.told.set(job.id, name === "job" ? job : null);
    if (name === "job" && this.isWanted(job) && this.isInside(job)) this.known.set(job.id, job);
    else this.known.delete(job.id);
    this.drawing ||= requestAnimationFrame(() => this.draw());
    this.counting ||= window.setTimeout(() => void this.count(), COUNTS_MS);
  }

  private advance(said: Said): void {
    const job = this.known.get(said.id);
    if (!job) return;
    const further = withProgress(job, said);
    this.known.set(said.id, further);
    this.told.set(said.id, further);
    this.drawing ||= requestAnimationFrame(() => this.draw());
  }

  private draw(): void {
    cancelAnimationFrame(this.drawing);
    this.drawing = 0;
    batch(() => {
      this.jobs.value = [...this.known.values()].sort(ORDERS[this.query.sort]);
      this.more.value = this.next !== null;
    });
  }

  private async count(): Promise<void> {
    const { user, project, pool, queue, label } = this.query;
    const query = {
      user: user || undefined, project: project || undefined, pool: pool || undefined, queue: queue || undefined,
      label: label ? [label] : [],
    };
    try {
      this.counts.value = (await answer(GET("/api/v1/stats", { params: { query } }))).total.phases;
    } catch {
      // The list says that the gateway does not answer.
    }
    this.counting = 0;
  }

  /** As the gateway's own search: in its names, message and labels. */
  private isWanted({ name, labels, spec, status }: ListedJob): boolean {
    const { phase, text } = this.query;
    if (phase.length && !phase.includes(status.phase ?? "Pending")) return false;
    if (!text) return true;
    const words = [
      name, spec.user, spec.project, spec.templateRef?.name, status.message,
      ...Object.entries(labels).map(([label, value]) => `${label}=${value}`),
    ];
    return words.join("\n").toLowerCase().includes(text.toLowerCase());
  }

  /** Whether it belongs to the pages that were fetched. */
  private isInside(job: ListedJob): boolean {
    const last = this.next && this.jobs.value.at(-1);
    return !last || ORDERS[this.query.sort](job, last) <= 0;
  }
}

type Order = (a: ListedJob, b: ListedJob) => number;

const by = (of: (job: ListedJob) => string): Order => (a, b) => compare(of(a), of(b)) || compare(a.name, b.name);
const backwards = (order: Order): Order => (a, b) => order(b, a);
const created = by((job) => job.createdAt);
const finished = by((job) => job.status.finishedAt ?? "");
const name = by((job) => job.name);

const ORDERS: Record<Sort, Order> = {
  created,
  "-created": backwards(created),
  finished,
  "-finished": backwards(finished),
  name,
  "-name": backwards(name),
};

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
