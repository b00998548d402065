// The API's types by the names that the page uses.
import type { components } from "../build/api";

type Schemas = components["schemas"];

export type Identity = Schemas["Identity"];
export type Job = Schemas["Job"];
export type ListedJob = Schemas["ListedJob"];
export type Phase = Schemas["Phase"];
export type Problem = Schemas["FieldProblem"];
export type ProblemDetails = Schemas["ProblemDetails"];
export type NewJob = Schemas["NewJob"];
export type Spec = Schemas["NewSpec"];
export type Clip = NonNullable<Spec["clips"]>[number];
export type Track = NonNullable<NonNullable<Spec["audio"]>["tracks"]>[number];
export type Output = NonNullable<Spec["outputs"]>[number];
export type Published = NonNullable<Schemas["Status"]["outputs"]>[number];
export type JobEvent = Schemas["JobEvent"];
export type Template = Schemas["ListedTemplate"];
export type Parameter = Template["parameters"][number];
export type Pool = Schemas["ListedPool"];
export type Statistics = Schemas["Statistics"];
export type By = Schemas["By"];

export const PHASES = ["Pending", "Queued", "Running", "Succeeded", "Failed", "Cancelled"] as const satisfies Phase[];

export function isFinal(phase: Phase | undefined): boolean {
  return phase === "Succeeded" || phase === "Failed" || phase === "Cancelled";
}

/** What the worker of a VideoJob says, as streams tell it. */
export type Said = { id: string; status: Partial<ListedJob["status"]> };

/** A VideoJob as far as its worker says that it is. */
export function withProgress<J extends ListedJob>(job: J, said: Said): J {
  return job.status.phase === "Running" ? { ...job, status: { ...job.status, ...said.status } } : job;
}
