import type { ReactNode } from 'react';
import styles from './brackets.module.css';
import { cx } from './cx.ts';

export function Brackets({
  children,
  className,
}: {
  readonly children?: ReactNode;
  readonly className?: string;
}) {
  return (
    <span className={cx(styles.brackets, className)} aria-hidden>
      <svg viewBox="0 0 48 48" className={styles.corners} role="presentation">
        <path d="M2 12V6a4 4 0 0 1 4-4h6M36 2h6a4 4 0 0 1 4 4v6M46 36v6a4 4 0 0 1-4 4h-6M12 46H6a4 4 0 0 1-4-4v-6" />
      </svg>
      {children ?? (
        <svg viewBox="0 0 24 24" className={styles.face} role="presentation">
          <circle cx="8" cy="9.5" r="1.5" />
          <circle cx="16" cy="9.5" r="1.5" />
          <path d="M7.5 15.5c2.7 2.2 6.3 2.2 9 0" />
        </svg>
      )}
    </span>
  );
}
