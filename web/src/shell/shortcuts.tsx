/** Keys of the frame. */
import { useEffect, useEffectEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useLocation } from 'wouter';
import { useStore } from '../api/store.ts';
import { SCREENS, type ScreenName } from '../screens/screens.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Switch } from '../ui/field.tsx';
import {
  type KeyHelp,
  SEQUENCE,
  screenKeys,
  takesKeys,
  turnSingleKeys,
  usesSingleKeys,
} from '../ui/single-keys.ts';
import styles from './shortcuts.module.css';

const SCREEN_KEYS: Readonly<Record<ScreenName, string>> = {
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

/** The key of the command palette. */
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

function Keys({ keys }: { readonly keys: readonly string[] }) {
  return (
    <dd className={styles.keys}>
      {keys.map((key) => (
        <kbd key={key}>{key}</kbd>
      ))}
    </dd>
  );
}

interface HelpProps {
  readonly isOpen: boolean;
  readonly onClose: () => void;
}

export function ShortcutsHelp({ isOpen, onClose }: HelpProps) {
  const { t } = useTranslation();
  const isOn = useStore(usesSingleKeys);
  const own = useStore(screenKeys);
  const rows: readonly KeyHelp[] = [
    ...own,
    [t('shortcuts.palette'), [MODIFIER, 'K']],
    [t('shortcuts.search'), ['/']],
    [t('shortcuts.help'), ['?']],
    ...SCREENS.map(({ name }) => [t(`nav.${name}`), ['g', SCREEN_KEYS[name]]] as const),
  ];
  return (
    <Dialog title={t('account.shortcuts')} isOpen={isOpen} onClose={onClose} size="sm">
      <dl className={styles.list}>
        {rows.map(([label, keys]) => (
          <div key={label} className={styles.row}>
            <dt>{label}</dt>
            <Keys keys={keys} />
          </div>
        ))}
      </dl>
      <Switch isSelected={isOn} onChange={turnSingleKeys} hint={t('shortcuts.singleHint')}>
        {t('shortcuts.single')}
      </Switch>
    </Dialog>
  );
}
