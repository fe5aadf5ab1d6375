import { Check, Copy } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button, IconButton } from './button.tsx';
import styles from './copy.module.css';
import { cx } from './cx.ts';

const SAID = 2000;

async function copyText(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement('textarea');
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand('copy');
  area.remove();
}

interface CopyButtonProps {
  readonly text: string;
  readonly label?: string;
  readonly variant?: 'icon' | 'button';
}

export function CopyButton({ text, label, variant = 'icon' }: CopyButtonProps) {
  const { t } = useTranslation();
  const [isCopied, setIsCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return;
    const timer = setTimeout(() => setIsCopied(false), SAID);
    return () => clearTimeout(timer);
  }, [isCopied]);
  const copy = () => void copyText(text).then(() => setIsCopied(true));
  const name = isCopied ? t('copy.done') : label ? t('copy.what', { what: label }) : t('copy.copy');
  return (
    <>
      {variant === 'icon' ? (
        <IconButton icon={isCopied ? Check : Copy} label={name} size="sm" onPress={copy} />
      ) : (
        <Button icon={isCopied ? Check : Copy} onPress={copy}>
          {isCopied ? t('copy.done') : t('copy.copy')}
        </Button>
      )}
      <span role="status" className={styles.hidden}>
        {isCopied ? t('copy.done') : ''}
      </span>
    </>
  );
}

interface CodeBlockProps {
  readonly code: string;
  readonly label: string;
  readonly wraps?: boolean;
}

export function CodeBlock({ code, label, wraps = false }: CodeBlockProps) {
  return (
    <figure className={styles.block} aria-label={label}>
      <figcaption className={styles.caption}>
        {label}
        <CopyButton text={code} label={label} />
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard scrolls it. */}
      <pre className={cx(styles.code, wraps && styles.wraps)} tabIndex={0}>
        <code>{code}</code>
      </pre>
    </figure>
  );
}

export function CopyField({ value, label }: { readonly value: string; readonly label: string }) {
  return (
    <div className={styles.field}>
      <code className={styles.value}>{value}</code>
      <CopyButton text={value} label={label} />
    </div>
  );
}
