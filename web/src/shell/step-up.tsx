import { lazy, Suspense, useEffect, useState } from 'react';
import { sessionEvents } from '../api/session-events.ts';

const load = () => import('./step-up-dialog.tsx');
const StepUpDialog = lazy(load);

/** Asks for the password when a call needs it, then lets the call repeat. */
export function StepUp() {
  const [answer, setAnswer] = useState<((isConfirmed: boolean) => void) | null>(null);
  useEffect(
    () =>
      sessionEvents.onConfirm(async () => {
        await load();
        const isConfirmed = await new Promise<boolean>((resolve) => setAnswer(() => resolve));
        setAnswer(null);
        return isConfirmed;
      }),
    [],
  );
  return <Suspense>{answer && <StepUpDialog onAnswer={answer} />}</Suspense>;
}
