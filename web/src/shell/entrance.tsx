import { type ReactNode, useEffect } from 'react';
import { Brackets } from '../ui/brackets.tsx';
import styles from './entrance.module.css';
import { LanguageAndTheme } from './language-and-theme.tsx';

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
        <LanguageAndTheme />
      </footer>
    </div>
  );
}
