import { X } from 'lucide-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormat } from '../../i18n/format.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import styles from './selection-bar.module.css';

interface SelectionBarProps {
  readonly count: number;
  readonly total: number;
  readonly isGathering?: boolean;
  readonly onSelectAll: () => void;
  readonly onClear: () => void;
  readonly children: ReactNode;
}

export function SelectionBar(props: SelectionBarProps) {
  const { count, total, isGathering, onSelectAll, onClear, children } = props;
  const { t } = useTranslation('people');
  const format = useFormat();
  if (count === 0) return null;
  return (
    <section className={styles.bar} aria-label={t('selection.label')}>
      <IconButton icon={X} size="sm" label={t('selection.clear')} onPress={onClear} />
      <p className={styles.count} role="status">
        {t('selection.count', { count, number: format.number(count) })}
      </p>
      {count < total && (
        <Button size="sm" variant="ghost" isPending={isGathering} onPress={onSelectAll}>
          {t('selection.all', { count: total, number: format.number(total) })}
        </Button>
      )}
      <span className={styles.actions}>{children}</span>
    </section>
  );
}
