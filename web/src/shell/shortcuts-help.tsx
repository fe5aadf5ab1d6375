import { useTranslation } from 'react-i18next';
import { useStore } from '../api/store.ts';
import { SCREENS } from '../screens/screens.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Switch } from '../ui/field.tsx';
import { type KeyHelp, screenKeys, turnSingleKeys, usesSingleKeys } from '../ui/single-keys.ts';
import styles from './shortcuts.module.css';
import { MODIFIER, SCREEN_KEYS } from './shortcuts.ts';

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

export default function ShortcutsHelp({ isOpen, onClose }: HelpProps) {
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
