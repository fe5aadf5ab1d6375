import { Store } from '../../api/store.ts';
import { toast } from '../../ui/toast.tsx';
import type { FaceEvent } from './event.ts';

export type CorrectionKind = 'confirmed' | 'reassigned' | 'merged' | 'deleted' | 'added' | 'enrolled';

export interface Correction {
  readonly eventId: string;
  readonly kind: CorrectionKind;
  readonly name: string | null;
  readonly isPending: boolean;
  readonly concerns: (event: FaceEvent) => boolean;
  readonly change: (event: FaceEvent) => FaceEvent;
}

interface Act extends Omit<Correction, 'isPending'> {
  readonly text: string;
  readonly send: () => Promise<unknown>;
  readonly onDone: (correction: Correction) => void;
  readonly onFailed: (error: unknown) => void;
}

const MAX_CORRECTIONS = 300;

export const corrections = new Store<readonly Correction[]>([]);

function remove(correction: Correction): void {
  corrections.set(corrections.value.filter((each) => each !== correction));
}

export function correct({ text, send, onDone, onFailed, ...act }: Act): void {
  const pending: Correction = { ...act, isPending: true };
  corrections.set([pending, ...corrections.value].slice(0, MAX_CORRECTIONS));
  toast.undoable({
    text,
    undo: () => remove(pending),
    commit: () => {
      send().then(
        () => {
          const done = { ...pending, isPending: false };
          corrections.set(corrections.value.map((each) => (each === pending ? done : each)));
          onDone(done);
        },
        (error) => {
          remove(pending);
          onFailed(error);
        },
      );
    },
  });
}

/** Notes an act that needs no time to undo it. @returns a function that takes the note back. */
export function noteCorrection(eventId: string, kind: CorrectionKind, name: string | null): () => void {
  const unchanged = { concerns: () => false, change: (event: FaceEvent) => event };
  const made: Correction = { eventId, kind, name, isPending: false, ...unchanged };
  corrections.set([made, ...corrections.value].slice(0, MAX_CORRECTIONS));
  return () => remove(made);
}

export interface Corrected {
  readonly event: FaceEvent;
  readonly mark: Correction | null;
}

export function corrected(event: FaceEvent, all: readonly Correction[]): Corrected {
  let seen = event;
  for (const each of all.toReversed()) if (each.isPending && each.concerns(seen)) seen = each.change(seen);
  return { event: seen, mark: all.find(({ eventId }) => eventId === event.id) ?? null };
}
