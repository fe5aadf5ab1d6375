import type { ReactNode } from 'react';
import styles from './card.module.css';
import { cx } from './cx.ts';

interface CardProps {
  readonly title?: string;
  readonly hint?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
  readonly hasPadding?: boolean;
  readonly className?: string;
}

export function Card({ title, hint, actions, children, hasPadding = true, className }: CardProps) {
  return (
    <section className={cx(styles.card, className)}>
      {(title || actions) && (
        <header className={styles.header}>
          <div>
            {title && <h2 className={styles.title}>{title}</h2>}
            {hint && <p className={styles.hint}>{hint}</p>}
          </div>
          {actions && <div className={styles.actions}>{actions}</div>}
        </header>
      )}
      <div className={cx(hasPadding && styles.body)}>{children}</div>
    </section>
  );
}

interface FactProps {
  readonly label: ReactNode;
  readonly children: ReactNode;
}

export function Facts({ children }: { readonly children: ReactNode }) {
  return <dl className={styles.facts}>{children}</dl>;
}

export function Fact({ label, children }: FactProps) {
  return (
    <div className={styles.fact}>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}

interface FigureProps {
  readonly label: ReactNode;
  readonly value: ReactNode;
  readonly detail?: ReactNode;
  readonly tone?: 'plain' | 'ok' | 'warn' | 'bad';
}

export function Figure({ label, value, detail, tone = 'plain' }: FigureProps) {
  return (
    <div className={styles.figure}>
      <p className={styles.figureLabel}>{label}</p>
      <p className={cx(styles.figureValue, styles[tone])}>{value}</p>
      {detail && <p className={styles.figureDetail}>{detail}</p>}
    </div>
  );
}
