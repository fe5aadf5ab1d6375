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
const STORED = 'visage.confirmed';

function storedConfirmations(): Correction[] {
  try {
    const ids: unknown = JSON.parse(localStorage.getItem(STORED) ?? '[]');
    return Array.isArray(ids) ? ids.map((id) => confirmation(String(id))) : [];
  } catch {
    return [];
  }
}

function confirmation(eventId: string): Correction {
  return {
    eventId,
    kind: 'confirmed',
    name: null,
    isPending: false,
    concerns: () => false,
    change: (event) => event,
  };
}

export const corrections = new Store<readonly Correction[]>(storedConfirmations());

function keepConfirmations(): void {
  const ids = corrections.value.filter(({ kind }) => kind === 'confirmed').map(({ eventId }) => eventId);
  localStorage.setItem(STORED, JSON.stringify(ids));
}

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

/** Marks a match as right. The mark stays in this browser. */
export function confirmEvent({ id }: FaceEvent, text: string): void {
  const made = confirmation(id);
  corrections.set([made, ...corrections.value].slice(0, MAX_CORRECTIONS));
  keepConfirmations();
  toast.undoable({
    text,
    commit: () => {},
    undo: () => {
      remove(made);
      keepConfirmations();
    },
  });
}

/** Notes an act that the service has already done. */
export function noteCorrection(eventId: string, kind: CorrectionKind, name: string): () => void {
  const made: Correction = { ...confirmation(eventId), kind, name };
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
