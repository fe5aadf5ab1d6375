import { type ReactNode, useEffect } from 'react';
import styles from './page.module.css';

interface PageProps {
  readonly title: string;
  readonly hint?: ReactNode;
  /** Right of the title, the main action last. */
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

/** The frame of each screen: heading, actions, content. */
export function Page({ title, hint, actions, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · Visage`;
  }, [title]);
  return (
    <div className={styles.page}>
      <header className={styles.header}>
        <div className={styles.titles}>
          <h1 className={styles.title}>{title}</h1>
          {hint && <p className={styles.hint}>{hint}</p>}
        </div>
        {actions && <div className={styles.actions}>{actions}</div>}
      </header>
      {children}
    </div>
  );
}

/** A row of filters and actions above a list. */
export function Bar({ children }: { readonly children: ReactNode }) {
  return <div className={styles.bar}>{children}</div>;
}

/** Cards side by side, as many as fit. @param least rem. */
export function Tiles({ children, least = 14 }: { readonly children: ReactNode; readonly least?: number }) {
  return (
    <div
      className={styles.tiles}
      style={{ gridTemplateColumns: `repeat(auto-fill, minmax(min(${least}rem, 100%), 1fr))` }}
    >
      {children}
    </div>
  );
}
