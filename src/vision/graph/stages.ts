import type { NetworkInput, PipelineOptions } from '../../native/pipeline-options.ts';

export interface Stage {
  readonly file: string;
  readonly input: NetworkInput;
}

/** One network after the other; the stage `liveness` has a list. */
export async function changedStages(
  pipeline: PipelineOptions,
  change: <S extends Stage>(stage: S) => Promise<S>,
): Promise<PipelineOptions> {
  const changed: [string, Stage | Stage[]][] = [];
  for (const [name, stages] of Object.entries(pipeline) as [string, Stage | readonly Stage[]][]) {
    const each: Stage[] = [];
    for (const stage of [stages].flat()) each.push(await change(stage));
    changed.push([name, Array.isArray(stages) ? each : (each[0] as Stage)]);
  }
  return Object.fromEntries(changed) as unknown as PipelineOptions;
}
