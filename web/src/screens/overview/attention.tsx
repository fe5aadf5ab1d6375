import { CircleAlert, CircleCheck, Info, TriangleAlert } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useFormat } from '../../i18n/format.ts';
import { ButtonLink } from '../../ui/button.tsx';
import { Card } from '../../ui/card.tsx';
import { cx } from '../../ui/cx.ts';
import styles from './overview.module.css';
import type { System } from './use-system.ts';

const DAY_MS = 86_400_000;
const ICONS = { error: CircleAlert, warning: TriangleAlert, info: Info } as const;
const ON_SYSTEM = /^(BACKUP|RESTART|EVENTS|REGISTRATION|TLS|CERTIFICATE)_/;

type Notice = System['attention'][number];

function useFacts(system: System) {
  const format = useFormat();
  const { certificate, lastBackup, disk, memory } = system;
  const daysUntil = (time: string | undefined) =>
    time === undefined ? 0 : Math.floor((new Date(time).getTime() - Date.now()) / DAY_MS);
  return ({ code, text }: Notice) => ({
    count: code.startsWith('CERTIFICATE')
      ? daysUntil(certificate?.expiresAt)
      : code === 'BACKUP_OLD'
        ? -daysUntil(lastBackup?.at) - 1
        : Number(/\d+/.exec(text)?.[0] ?? 0),
    percent: disk ? format.percent(1 - disk.freeBytes / disk.totalBytes) : '',
    free: disk ? format.bytes(disk.freeBytes) : '',
    used: format.bytes(memory.rssBytes),
    available: format.bytes(memory.systemFreeBytes),
    rest: (/: (.+?)\.?$/s.exec(text)?.[1] ?? '').trim(),
  });
}

interface AttentionProps {
  readonly system: System;
  readonly linksToSystem?: boolean;
}

export function Attention({ system, linksToSystem = true }: AttentionProps) {
  const { t } = useTranslation('overview');
  const factsOf = useFacts(system);
  const { attention } = system;
  if (attention.length === 0) {
    return (
      <p className={styles.fine}>
        <CircleCheck aria-hidden size={18} />
        {t('attention.none')}
      </p>
    );
  }
  return (
    <Card title={t('attention.title')} hasPadding={false}>
      <ul className={styles.notices}>
        {attention.map((notice) => {
          const { code, severity, text, action } = notice;
          const Icon = ICONS[severity];
          const facts = factsOf(notice);
          const key = code === 'TLS_OFF' ? `${code}.${severity}` : code;
          const known = (part: 'text' | 'action', otherwise: string) =>
            t(`attention.${key}.${part}` as 'attention.BACKUP_OLD.text', {
              ...facts,
              defaultValue: otherwise,
            });
          return (
            <li key={`${code} ${text}`} className={styles.notice}>
              <Icon
                size={18}
                role="img"
                aria-label={t(`severity.${severity}`)}
                className={cx(styles.icon, styles[severity])}
              />
              <div className={styles.noticeText}>
                <p className={styles.matter}>{known('text', text)}</p>
                <p className={styles.remedy}>{known('action', action)}</p>
              </div>
              {linksToSystem && ON_SYSTEM.test(code) && (
                <ButtonLink href="/system" size="sm">
                  {t('attention.open')}
                </ButtonLink>
              )}
            </li>
          );
        })}
      </ul>
    </Card>
  );
}
