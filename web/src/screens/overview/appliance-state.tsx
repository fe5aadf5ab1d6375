import { Meter } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { useFormat } from '../../i18n/format.ts';
import { Card, Fact, Facts } from '../../ui/card.tsx';
import { cx } from '../../ui/cx.ts';
import styles from './overview.module.css';
import type { System } from './use-system.ts';

const NEARLY_FULL = 0.85;
const DAY_MS = 86_400_000;
const SOON_DAYS = 21;

function Share({ label, value, of, words }: { label: string; value: number; of: number; words: string }) {
  const share = of > 0 ? Math.min(1, value / of) : 0;
  return (
    <Meter aria-label={label} value={share * 100} valueLabel={words} className={styles.share}>
      <span className={styles.shareText}>
        <span>{label}</span>
        <span>{words}</span>
      </span>
      <span className={styles.bar}>
        <span
          className={cx(styles.fill, share > NEARLY_FULL && styles.nearlyFull)}
          style={{ width: `${share * 100}%` }}
        />
      </span>
    </Meter>
  );
}

export function ApplianceState({ system }: { readonly system: System }) {
  const { t } = useTranslation('overview');
  const format = useFormat();
  const { memory, disk, queue, threads, certificate, lastBackup, store, version, startedAt } = system;
  const used = disk && disk.totalBytes - disk.freeBytes;
  const limit = memory.limitBytes ?? memory.rssBytes + memory.systemFreeBytes;
  const isSoon =
    certificate !== null && new Date(certificate.expiresAt).getTime() - Date.now() < SOON_DAYS * DAY_MS;
  return (
    <Card title={t('state.title')} hint={t('state.hint', { hostname: system.hostname, version })}>
      <div className={styles.state}>
        <Share
          label={t('state.queue')}
          value={queue.length}
          of={queue.max}
          words={t('state.queueWords', {
            length: format.number(queue.length),
            max: format.number(queue.max),
          })}
        />
        <Share
          label={t('state.threads')}
          value={queue.running}
          of={threads}
          words={t('state.threadsWords', {
            running: format.number(queue.running),
            threads: format.number(threads),
          })}
        />
        <Share
          label={t('state.memory')}
          value={memory.rssBytes}
          of={limit}
          words={t(memory.limitBytes === null ? 'state.memoryFree' : 'state.memoryLimit', {
            used: format.bytes(memory.rssBytes),
            limit: format.bytes(limit),
            free: format.bytes(memory.systemFreeBytes),
          })}
        />
        {disk && used !== null ? (
          <Share
            label={t('state.disk')}
            value={used}
            of={disk.totalBytes}
            words={t('state.diskWords', {
              free: format.bytes(disk.freeBytes),
              total: format.bytes(disk.totalBytes),
            })}
          />
        ) : (
          <p className={styles.remedy}>{t('state.noDisk')}</p>
        )}
        <Facts>
          <Fact label={t('state.data')}>{disk ? format.bytes(disk.dataBytes) : '–'}</Fact>
          <Fact label={t('state.index')}>{format.bytes(memory.indexBytes)}</Fact>
          <Fact label={t('state.faces')}>
            {t('state.facesIn', { faces: format.number(store.faces), count: store.collections })}
          </Fact>
          <Fact label={t('state.certificate')}>
            {certificate === null ? (
              t('state.noCertificate')
            ) : (
              <span className={cx(isSoon && styles.warning)}>
                {t(certificate.isSelfSigned ? 'state.selfSigned' : 'state.expires', {
                  when: format.ago(certificate.expiresAt),
                })}
              </span>
            )}
          </Fact>
          <Fact label={t('state.backup')}>
            {lastBackup === null ? (
              <span className={styles.warning}>{t('state.noBackup')}</span>
            ) : (
              <>
                {format.ago(lastBackup.at)}
                {lastBackup.bytes !== null && `, ${format.bytes(lastBackup.bytes)}`}
              </>
            )}
          </Fact>
          <Fact label={t('state.started')}>{format.ago(startedAt)}</Fact>
          <Fact label={t('state.device')}>{t(`state.devices.${system.device}`)}</Fact>
        </Facts>
      </div>
    </Card>
  );
}
