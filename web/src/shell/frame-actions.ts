import { createContext, use } from 'react';

export interface FrameActions {
  readonly openPalette: () => void;
  readonly openHelp: () => void;
  readonly openEvents: (() => void) | undefined;
}

export const FrameActionsContext = createContext<FrameActions | null>(null);

export function useFrameActions(): FrameActions {
  const actions = use(FrameActionsContext);
  if (!actions) throw new Error('No frame above');
  return actions;
}
