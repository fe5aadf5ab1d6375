import { type ComponentType, lazy, type ReactNode, Suspense, useEffect } from 'react';
import { Brackets } from '../ui/brackets.tsx';
import styles from './entrance.module.css';

const LanguageAndTheme = lazy<ComponentType>(() =>
  import('./language-and-theme.tsx').catch(() => ({ default: () => null })),
);

export function Entrance({
  title,
  children,
  isWide = false,
  before,
}: {
  title: string;
  children: ReactNode;
  isWide?: boolean;
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
