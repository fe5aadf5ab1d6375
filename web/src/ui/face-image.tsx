import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { cx } from './cx.ts';
import styles from './face-image.module.css';

export interface FaceBox {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly label?: string;
  readonly tone?: 'plain' | 'ok' | 'warn' | 'bad';
  readonly landmarks?: readonly { readonly x: number; readonly y: number }[];
}

interface FaceImageProps {
  readonly src: string;
  readonly alt: string;
  readonly boxes?: readonly FaceBox[];
  readonly selected?: number | null;
  readonly onSelect?: (index: number) => void;
  readonly className?: string;
}

function corners({ left, top, width, height }: FaceBox): string {
  const x = width * 0.22;
  const y = height * 0.22;
  const right = left + width;
  const bottom = top + height;
  return [
    `M${left} ${top + y}V${top}H${left + x}`,
    `M${right - x} ${top}H${right}V${top + y}`,
    `M${right} ${bottom - y}V${bottom}H${right - x}`,
    `M${left + x} ${bottom}H${left}V${bottom - y}`,
  ].join('');
}

export function FaceImage({ src, alt, boxes = [], selected = null, onSelect, className }: FaceImageProps) {
  const { t } = useTranslation('common');
  const [size, setSize] = useState<{ width: number; height: number } | null>(null);
  const [failed, setFailed] = useState<string | null>(null);
  if (failed === src) {
    return (
      <p role="img" aria-label={alt} className={cx(styles.frame, styles.unseen, className)}>
        {t('image.unseen')}
      </p>
    );
  }
  return (
    <div className={cx(styles.frame, className)}>
      <img
        src={src}
        alt={alt}
        className={styles.image}
        onLoad={({ currentTarget }) =>
          setSize({ width: currentTarget.naturalWidth, height: currentTarget.naturalHeight })
        }
        onError={() => setFailed(src)}
      />
      {size && boxes.length > 0 && (
        <>
          <svg viewBox={`0 0 ${size.width} ${size.height}`} className={styles.overlay} aria-hidden="true">
            {boxes.map((box, index) => (
              <g
                key={`${box.left} ${box.top} ${box.width}`}
                className={cx(styles.box, styles[box.tone ?? 'plain'], selected === index && styles.selected)}
              >
                <path d={corners(box)} className={styles.halo} />
                <path d={corners(box)} className={styles.line} />
                {box.landmarks?.map(({ x, y }) => (
                  <circle
                    key={`${x} ${y}`}
                    cx={x}
                    cy={y}
                    r={Math.max(box.width / 26, 1)}
                    className={styles.point}
                  />
                ))}
              </g>
            ))}
          </svg>
          {boxes.map((box, index) => (
            <button
              key={`${box.left} ${box.top} ${box.width}`}
              type="button"
              disabled={!onSelect}
              aria-pressed={onSelect ? selected === index : undefined}
              className={cx(styles.target, styles[box.tone ?? 'plain'])}
              style={{
                left: `${(box.left / size.width) * 100}%`,
                top: `${(box.top / size.height) * 100}%`,
                width: `${(box.width / size.width) * 100}%`,
                height: `${(box.height / size.height) * 100}%`,
              }}
              onClick={() => onSelect?.(index)}
            >
              <span className={styles.label}>{box.label ?? index + 1}</span>
            </button>
          ))}
        </>
      )}
    </div>
  );
}

interface FaceThumbProps {
  readonly src: string | null;
  readonly alt: string;
  readonly name?: string | null;
  readonly size?: number;
}

export function FaceThumb({ src, alt, name, size = 40 }: FaceThumbProps) {
  const [failed, setFailed] = useState<string | null>(null);
  const initials = (name ?? '')
    .replace(/[^\p{L}\p{N}]/gu, '')
    .slice(0, 2)
    .toUpperCase();
  const style = { width: size, height: size, fontSize: Math.max(10, size / 2.8) };
  if (src !== null && failed !== src)
    return (
      <img
        src={src}
        alt={alt}
        loading="lazy"
        decoding="async"
        width={size}
        height={size}
        className={styles.thumb}
        onError={() => setFailed(src)}
      />
    );
  return (
    <span
      className={styles.initials}
      style={style}
      {...(alt === '' ? { 'aria-hidden': true } : { role: 'img', 'aria-label': alt })}
    >
      {initials || '?'}
    </span>
  );
}
