import { type ComponentType, lazy, type ReactNode, Suspense, useEffect } from 'react';
import { Brackets } from '../ui/brackets.tsx';
import styles from './entrance.module.css';

/** Without the service the page still says so. */
const LanguageAndTheme = lazy<ComponentType>(() =>
  import('./language-and-theme.tsx').catch(() => ({ default: () => null })),
);

/** The frame of pages before log-in. */
export function Entrance({
  title,
  children,
  isWide = false,
  before,
}: {
  title: string;
  children: ReactNode;
  isWide?: boolean;
  /** Above the title. */
  before?: ReactNode;
}) {
  useEffect(() => {
    document.title = `${title} · Visage`;
  }, [title]);
  return (
    <div className={styles.page}>
      <main className={isWide ? styles.wide : styles.card}>
        <div className={styles.mark}>
          <Brackets className={styles.brackets} />
          <span>Visage</span>
        </div>
        {before}
        <h1 className={styles.title}>{title}</h1>
        <div className={styles.content}>{children}</div>
      </main>
      <footer className={styles.footer}>
        <Suspense>
          <LanguageAndTheme />
        </Suspense>
      </footer>
    </div>
  );
}
