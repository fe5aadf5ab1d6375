import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Badge } from '../../ui/badge.tsx';
import { Card } from '../../ui/card.tsx';
import { SearchField } from '../../ui/field.tsx';
import { Bar } from '../../ui/page.tsx';
import { Segmented } from '../../ui/segmented.tsx';
import { ErrorState, SkeletonList } from '../../ui/states.tsx';
import { type Column, Table } from '../../ui/table.tsx';
import german from './settings.de.json';
import styles from './system.module.css';
import { isChanged, type Setting, shownValue, useSettings } from './system-data.ts';

const GERMAN: Readonly<Record<string, string>> = german;

/** The service describes its settings in English. */
function described(
  settings: readonly Setting[] | undefined,
  language: string,
): readonly Setting[] | undefined {
  if (language !== 'de') return settings;
  return settings?.map((setting) => ({
    ...setting,
    description: GERMAN[setting.name] ?? setting.description,
  }));
}

export function SettingsCard() {
  const { t, i18n } = useTranslation('system');
  const { data, error, refetch } = useSettings();
  const [filter, setFilter] = useState('');
  const [shown, setShown] = useState<'all' | 'changed'>('all');
  const words = filter.trim().toLowerCase();
  const rows = described(data, i18n.language)?.filter(
    (setting) =>
      (shown === 'all' || isChanged(setting)) &&
      `${setting.name} ${setting.description}`.toLowerCase().includes(words),
  );
  const columns: Column<Setting>[] = [
    {
      id: 'name',
      title: t('settings.name'),
      cell: ({ name, description }) => (
        <div className={styles.setting}>
          <code>{name}</code>
          <span className={styles.description}>
            {description
              .split('`')
              .map((part, index) => (index % 2 === 1 ? <code key={part}>{part}</code> : part))}
          </span>
        </div>
      ),
    },
    {
      id: 'value',
      title: t('settings.value'),
      cell: ({ value, default: otherwise, source }) => (
        <div className={styles.setting}>
          {value === null ? (
            <span className={styles.description}>{t('settings.none')}</span>
          ) : (
            <code className={styles.value}>{shownValue(value)}</code>
          )}
          {source !== 'default' && (
            <span className={styles.description}>
              {t('settings.default', {
                value: otherwise === null ? t('settings.none') : shownValue(otherwise),
              })}
            </span>
          )}
        </div>
      ),
    },
    {
      id: 'source',
      title: t('settings.source'),
      isMinor: true,
      cell: ({ source, needsRestart }) => (
        <div className={styles.badges}>
          <Badge tone={source === 'default' ? 'plain' : 'accent'}>{t(`source.${source}`)}</Badge>
          {needsRestart && <Badge>{t('settings.restart')}</Badge>}
        </div>
      ),
    },
  ];
  return (
    <Card title={t('settings.title')} hint={t('settings.hint')} hasPadding={false}>
      <div className={styles.filters}>
        <Bar>
          <SearchField label={t('settings.filter')} value={filter} onChange={setFilter} />
          <Segmented
            label={t('settings.show')}
            options={[
              { value: 'all', label: t('settings.all') },
              { value: 'changed', label: t('settings.changed') },
            ]}
            value={shown}
            onChange={setShown}
          />
        </Bar>
      </div>
      {error ? (
        <ErrorState error={error} onRetry={() => void refetch()} />
      ) : !rows ? (
        <SkeletonList rows={8} />
      ) : rows.length === 0 ? (
        <p className={styles.nothing}>{t('settings.nothing')}</p>
      ) : (
        <Table label={t('settings.title')} columns={columns} rows={rows} keyOf={({ name }) => name} />
      )}
    </Card>
  );
}
