import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from 'react';
import styles from './virtual-grid.module.css';

interface VirtualGridProps<T> {
  readonly label: string;
  readonly items: readonly T[];
  readonly total?: number;
  readonly keyOf: (item: T) => string;
  readonly children: (item: T, index: number) => ReactNode;
  /** Least width of a cell in pixels; 0 for a list with one column. */
  readonly cellWidth: number;
  readonly rowHeight: number;
  readonly gap?: number;
  readonly onEnd?: () => void;
  readonly placeholder?: ReactNode;
}

/** Browsers show no element higher than about 33 million pixels. */
const MAX_HEIGHT = 30_000_000;

export function VirtualGrid<T>(props: VirtualGridProps<T>) {
  const {
    label,
    items,
    total = items.length,
    keyOf,
    children,
    cellWidth,
    rowHeight,
    gap = 12,
    onEnd,
    placeholder,
  } = props;
  const frame = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState({ width: 0, top: 0 });
  useLayoutEffect(() => {
    const element = frame.current;
    if (!element) return;
    const measure = () =>
      setSize({ width: element.clientWidth, top: element.getBoundingClientRect().top + scrollY });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, []);
  const columns = cellWidth === 0 ? 1 : Math.max(1, Math.floor((size.width + gap) / (cellWidth + gap)));
  const cells = placeholder === undefined ? items.length : Math.max(total, items.length);
  const rows = useWindowVirtualizer({
    count: Math.min(Math.ceil(cells / columns), Math.floor(MAX_HEIGHT / (rowHeight + gap))),
    estimateSize: () => rowHeight + gap,
    overscan: 4,
    scrollMargin: size.top,
  });
  const visible = rows.getVirtualItems();
  const last = visible.at(-1)?.index ?? 0;
  const isNearEnd = items.length > 0 && (last + 3) * columns >= items.length;
  // biome-ignore lint/correctness/useExhaustiveDependencies: asks again after each page.
  useEffect(() => {
    if (isNearEnd) onEnd?.();
  }, [isNearEnd, items.length]);
  return (
    <div ref={frame}>
      <ul aria-label={label} className={styles.frame} style={{ height: rows.getTotalSize() }}>
        {visible.flatMap((row) =>
          Array.from({ length: Math.min(columns, cells - row.index * columns) }, (_, column) => {
            const index = row.index * columns + column;
            const item = items[index];
            const share = (size.width - gap * (columns - 1)) / columns;
            return (
              <li
                key={item === undefined ? `waits ${index}` : keyOf(item)}
                aria-setsize={total}
                aria-posinset={index + 1}
                data-index={row.index}
                ref={column === 0 ? rows.measureElement : undefined}
                className={styles.cell}
                style={{
                  width: share,
                  paddingBottom: gap,
                  transform: `translate(${column * (share + gap)}px, ${row.start - rows.options.scrollMargin}px)`,
                }}
              >
                {item === undefined ? placeholder : children(item, index)}
              </li>
            );
          }),
        )}
      </ul>
    </div>
  );
}
