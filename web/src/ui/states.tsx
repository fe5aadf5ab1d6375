import { RotateCw, TriangleAlert } from 'lucide-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError, NotConfirmedError, OfflineError } from '../api/problem.ts';
import { Brackets } from './brackets.tsx';
import { Button } from './button.tsx';
import { cx } from './cx.ts';
import styles from './states.module.css';

interface EmptyStateProps {
  readonly title: string;
  readonly children?: ReactNode;
  readonly actions?: ReactNode;
  readonly icon?: ReactNode;
}

export function EmptyState({ title, children, actions, icon }: EmptyStateProps) {
  return (
    <div className={styles.empty}>
      <Brackets className={styles.brackets}>{icon}</Brackets>
      <h2 className={styles.emptyTitle}>{title}</h2>
      {children && <div className={styles.emptyText}>{children}</div>}
      {actions && <div className={styles.actions}>{actions}</div>}
    </div>
  );
}

export function useErrorText(): (error: unknown) => string {
  const { t } = useTranslation();
  return (error) => {
    if (error instanceof OfflineError) return t('error.offline');
    if (error instanceof NotConfirmedError) return t('error.notConfirmed');
    if (error instanceof ApiError) {
      const known = t(`error.code.${error.code}` as 'error.unknown', { defaultValue: '' });
      return known || error.message;
    }
    return t('error.unknown');
  };
}

export function ErrorState({ error, onRetry }: { readonly error: unknown; readonly onRetry?: () => void }) {
  const { t } = useTranslation();
  const textOf = useErrorText();
  const requestId = error instanceof ApiError ? error.requestId : null;
  return (
    <div role="alert" className={styles.error}>
      <TriangleAlert aria-hidden size={20} className={styles.errorIcon} />
      <div>
        <p className={styles.errorTitle}>{textOf(error)}</p>
        {requestId && <p className={styles.requestId}>{t('error.requestId', { requestId })}</p>}
      </div>
      {onRetry && (
        <Button size="sm" icon={RotateCw} onPress={onRetry}>
          {t('action.retry')}
        </Button>
      )}
    </div>
  );
}

export function ErrorNote({ error }: { readonly error: unknown }) {
  const textOf = useErrorText();
  const fields = error instanceof ApiError ? error.fields : [];
  return (
    <div role="alert" className={styles.note}>
      <TriangleAlert aria-hidden size={16} />
      <div>
        {fields.length === 0 && textOf(error)}
        {fields.map(({ path, message }) => (
          <p key={path + message}>
            <code>{path}</code> {message}
          </p>
        ))}
      </div>
    </div>
  );
}

interface NoteProps {
  readonly tone?: 'info' | 'ok' | 'warn' | 'bad';
  readonly title?: string;
  readonly children: ReactNode;
  readonly action?: ReactNode;
}

export function Note({ tone = 'info', title, children, action }: NoteProps) {
  return (
    <div className={cx(styles.note, styles[tone])}>
      <div className={styles.noteText}>
        {title && <p className={styles.errorTitle}>{title}</p>}
        {children}
      </div>
      {action}
    </div>
  );
}

export function Skeleton({
  width = '100%',
  height = 1,
}: {
  readonly width?: string;
  readonly height?: number;
}) {
  return <span className={styles.skeleton} style={{ width, height: `${height}rem` }} aria-hidden />;
}

export function SkeletonList({ rows = 5 }: { readonly rows?: number }) {
  const { t } = useTranslation();
  return (
    <div role="status" aria-label={t('state.loading')} className={styles.list}>
      {Array.from({ length: rows }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the lines are alike.
        <Skeleton key={index} height={2.5} />
      ))}
    </div>
  );
}
