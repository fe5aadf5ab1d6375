import { Store } from '../../api/store.ts';

export const STEPS = ['owner', 'collection', 'key', 'match'] as const;
export type Step = (typeof STEPS)[number];

const STORED = 'visage.first-run';

function stored(): Step | null {
  const step = STEPS.find((each) => each === sessionStorage.getItem(STORED)) ?? null;
  return step === 'owner' ? 'collection' : step;
}

export const firstRun = new Store<Step | null>(stored());

export function goTo(step: Step | null): void {
  if (step === null) sessionStorage.removeItem(STORED);
  else sessionStorage.setItem(STORED, step);
  firstRun.set(step);
}
