/** Corrections that show at once and reach the service after the time to undo them. */
import { Store } from '../../api/store.ts';
import { toast } from '../../ui/toast.tsx';
import type { FaceEvent } from './event.ts';

export type CorrectionKind = 'confirmed' | 'reassigned' | 'merged' | 'deleted' | 'added' | 'enrolled';

export interface Correction {
  /** The event that the reader corrected. */
  readonly eventId: string;
  readonly kind: CorrectionKind;
  /** The person after the correction. */
  readonly name: string | null;
  /** Whether the reader can still undo it. */
  readonly isPending: boolean;
  readonly concerns: (event: FaceEvent) => boolean;
  readonly change: (event: FaceEvent) => FaceEvent;
}

interface Act extends Omit<Correction, 'isPending'> {
  /** Text of the message. */
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
  /** The newest correction of this very event. */
  readonly mark: Correction | null;
}

/** The event with what still waits to be sent. */
export function corrected(event: FaceEvent, all: readonly Correction[]): Corrected {
  let seen = event;
  for (const each of all.toReversed()) if (each.isPending && each.concerns(seen)) seen = each.change(seen);
  return { event: seen, mark: all.find(({ eventId }) => eventId === event.id) ?? null };
}
