import { useMutation } from '@tanstack/react-query';
import { FileDown } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useFormat } from '../../i18n/format.ts';
import { Button } from '../../ui/button.tsx';
import { Card, Fact, Facts } from '../../ui/card.tsx';
import { Page } from '../../ui/page.tsx';
import { ErrorState, SkeletonList, useErrorText } from '../../ui/states.tsx';
import { type Column, Table } from '../../ui/table.tsx';
import { toast } from '../../ui/toast.tsx';
import { ApplianceState } from '../overview/appliance-state.tsx';
import { Attention } from '../overview/attention.tsx';
import { type System, useSystem } from '../overview/use-system.ts';
import { BackupCard } from './backup-card.tsx';
import { SettingsCard } from './settings-card.tsx';
import styles from './system.module.css';
import { downloadDiagnosis } from './system-data.ts';

function Models({ models }: Pick<System, 'models'>) {
  const { t } = useTranslation('system');
  const columns: Column<System['models'][number]>[] = [
    { id: 'model', title: t('models.model'), cell: ({ model }) => <code>{model}</code> },
    { id: 'version', title: t('models.version'), cell: ({ version }) => version },
    { id: 'device', title: t('models.device'), cell: ({ device }) => device },
    { id: 'provider', title: t('models.provider'), isMinor: true, cell: ({ provider }) => provider },
  ];
  return (
    <Card title={t('models.title')} hint={t('models.hint')} hasPadding={false}>
      <Table label={t('models.title')} columns={columns} rows={models} keyOf={({ model }) => model} />
    </Card>
  );
}

function About({ system }: { readonly system: System }) {
  const { t } = useTranslation('system');
  const format = useFormat();
  const { version, nodeVersion, hostname, startedAt, store } = system;
  return (
    <Card title={t('about.title')}>
      <Facts>
        <Fact label={t('about.version')}>{version}</Fact>
        <Fact label={t('about.node')}>{nodeVersion}</Fact>
        <Fact label={t('about.host')}>{hostname}</Fact>
        <Fact label={t('about.started')}>{format.dateTime(startedAt)}</Fact>
        <Fact label={t('about.schema')}>{store.schema}</Fact>
        <Fact label={t('about.accounts')}>{format.number(store.accounts)}</Fact>
      </Facts>
    </Card>
  );
}

export default function SystemScreen() {
  const { t } = useTranslation('system');
  const textOf = useErrorText();
  const { data, error, refetch } = useSystem();
  const diagnosis = useMutation({
    mutationFn: downloadDiagnosis,
    onSuccess: () => toast.done(t('diagnosis.done')),
    onError: (cause) => toast.failed(textOf(cause)),
  });
  const download = (
    <Button icon={FileDown} isPending={diagnosis.isPending} onPress={() => diagnosis.mutate()}>
      {t('diagnosis.action')}
    </Button>
  );
  return (
    <Page title={t('title')} hint={t('hint')} actions={download}>
      {error && !data ? (
        <ErrorState error={error} onRetry={() => void refetch()} />
      ) : !data ? (
        <SkeletonList rows={6} />
      ) : (
        <>
          <Attention system={data} linksToSystem={false} />
          <div className={styles.halves}>
            <ApplianceState system={data} />
            <div className={styles.stack}>
              <BackupCard lastBackup={data.lastBackup} />
              <About system={data} />
            </div>
          </div>
          <Models models={data.models} />
        </>
      )}
      <SettingsCard />
    </Page>
  );
}
