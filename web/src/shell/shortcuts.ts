import { useEffect, useEffectEvent, useState } from 'react';
import { useLocation } from 'wouter';
import { SCREENS, type ScreenName } from '../screens/screens.ts';
import { SEQUENCE, takesKeys, usesSingleKeys } from '../ui/single-keys.ts';

export const SCREEN_KEYS: Readonly<Record<ScreenName, string>> = {
  overview: 'o',
  live: 'l',
  people: 'p',
  'try-it': 't',
  collections: 'c',
  'api-keys': 'k',
  members: 'm',
  audit: 'a',
  billing: 'b',
  system: 's',
};

export const MODIFIER = /Mac|iP/.test(navigator.platform) ? '⌘' : 'Ctrl';

export function useShortcuts(actions: {
  readonly openPalette: () => void;
  readonly openHelp: () => void;
}): void {
  const [, navigate] = useLocation();
  const [goSince, setGoSince] = useState(Number.NEGATIVE_INFINITY);
  const press = useEffectEvent((event: KeyboardEvent) => {
    if (event.key.toLowerCase() === 'k' && (event.ctrlKey || event.metaKey) && !event.altKey) {
      event.preventDefault();
      actions.openPalette();
      return;
    }
    const hasModifier = event.ctrlKey || event.metaKey || event.altKey;
    if (!usesSingleKeys.value || hasModifier || takesKeys(event.target)) return;
    if (event.key === '?') return actions.openHelp();
    if (event.key === '/') {
      const search = document.querySelector<HTMLInputElement>('main input[type=search]');
      if (search) event.preventDefault();
      return search?.focus();
    }
    if (event.key === 'g') return setGoSince(event.timeStamp);
    const screen = SCREENS.find(({ name }) => SCREEN_KEYS[name] === event.key);
    if (screen && event.timeStamp - goSince < SEQUENCE) navigate(screen.path);
    setGoSince(Number.NEGATIVE_INFINITY);
  });
  useEffect(() => {
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
}
