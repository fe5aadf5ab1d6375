import { useMutation } from '@tanstack/react-query';
import { DatabaseBackup } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useFormat } from '../../i18n/format.ts';
import { Button } from '../../ui/button.tsx';
import { Card, Fact, Facts } from '../../ui/card.tsx';
import { ErrorNote, ErrorState, Note } from '../../ui/states.tsx';
import styles from './system.module.css';
import { type BackupState, shownValue, startBackup, useBackup, useSettings } from './system-data.ts';

function Progress({ state, startedAt, endedAt, bytes, detail }: BackupState) {
  const { t } = useTranslation('system');
  const format = useFormat();
  if (state === 'none') return null;
  const took =
    startedAt !== null && endedAt !== null
      ? format.milliseconds(Date.parse(endedAt) - Date.parse(startedAt))
      : '';
  return (
    <div role="status">
      {state === 'running' && <Note>{t('backup.running')}</Note>}
      {state === 'succeeded' && (
        <Note tone="ok">{t('backup.succeeded', { size: format.bytes(bytes ?? 0), took })}</Note>
      )}
      {state === 'failed' && (
        <Note tone="bad" title={t('backup.failed')}>
          {detail}
        </Note>
      )}
    </div>
  );
}

export function BackupCard({
  lastBackup,
}: {
  readonly lastBackup: { at: string; bytes: number | null } | null;
}) {
  const { t } = useTranslation('system');
  const format = useFormat();
  const { data: settings } = useSettings();
  const { data, error, refetch } = useBackup();
  const start = useMutation({ mutationFn: startBackup });
  const settingOf = (name: string) => settings?.find((setting) => setting.name === name)?.value ?? null;
  const folder = settingOf('backup_dir');
  const isUnset = settings !== undefined && (folder === null || folder === '');
  const isRunning = data?.state === 'running';
  return (
    <Card
      title={t('backup.title')}
      hint={t('backup.hint')}
      actions={
        <Button
          variant="primary"
          icon={DatabaseBackup}
          isDisabled={isUnset || isRunning}
          isPending={start.isPending}
          onPress={() => start.mutate()}
        >
          {t('backup.start')}
        </Button>
      }
    >
      <div className={styles.stack}>
        {isUnset && (
          <Note tone="warn" title={t('backup.unsetTitle')}>
            {t('backup.unset')} <code>sudo visagectl reload</code>
          </Note>
        )}
        {start.error !== null && <ErrorNote error={start.error} />}
        {error ? <ErrorState error={error} onRetry={() => void refetch()} /> : data && <Progress {...data} />}
        <Facts>
          <Fact label={t('backup.last')}>
            {lastBackup === null
              ? t('backup.never')
              : `${format.ago(lastBackup.at)}${lastBackup.bytes === null ? '' : `, ${format.bytes(lastBackup.bytes)}`}`}
          </Fact>
          {settings && !isUnset && (
            <Fact label={t('backup.folder')}>
              <code className={styles.value}>{shownValue(folder)}</code>
            </Fact>
          )}
          {settings && <Fact label={t('backup.keep')}>{shownValue(settingOf('backup_keep'))}</Fact>}
        </Facts>
      </div>
    </Card>
  );
}
