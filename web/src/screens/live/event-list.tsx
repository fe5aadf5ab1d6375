import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { type Ref, useEffect, useImperativeHandle, useLayoutEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from '../../api/store.ts';
import { corrected, corrections } from './corrections.ts';
import type { FaceEvent } from './event.ts';
import { EventRow } from './event-row.tsx';
import styles from './live.module.css';

export interface EventListHandle {
  readonly show: (index: number) => void;
}

interface EventListProps {
  readonly events: readonly FaceEvent[];
  readonly selectedId: string | null;
  readonly onSelect: (event: FaceEvent) => void;
  readonly onEnd: () => void;
  readonly hasOlder: boolean;
  readonly isNarrow: boolean;
  readonly ref: Ref<EventListHandle>;
}

const ROW = 3.5;
const NARROW_ROW = 4.75;

export function EventList(props: EventListProps) {
  const { events, selectedId, onSelect, onEnd, hasOlder, isNarrow, ref } = props;
  const { t } = useTranslation('live');
  const all = useStore(corrections);
  const frame = useRef<HTMLUListElement>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    const measure = () => setTop((frame.current?.getBoundingClientRect().top ?? 0) + scrollY);
    const observer = new ResizeObserver(measure);
    observer.observe(document.body);
    measure();
    return () => observer.disconnect();
  }, []);
  const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  const height = (isNarrow ? NARROW_ROW : ROW) * rem;
  const rows = useWindowVirtualizer({
    count: events.length,
    estimateSize: () => height,
    overscan: 6,
    scrollMargin: top,
    scrollPaddingStart: 8 * rem,
    scrollPaddingEnd: 2 * rem,
    getItemKey: (index) => events[index]?.id ?? index,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the height decides all positions.
  useLayoutEffect(() => rows.measure(), [height]);
  useImperativeHandle(ref, () => ({
    show(index) {
      const id = events[index]?.id;
      if (id === undefined) return;
      rows.scrollToIndex(index, { align: 'auto' });
      const focus = (tries: number) => {
        const row = frame.current?.querySelector<HTMLElement>(`[data-event="${CSS.escape(id)}"]`);
        if (row) row.focus({ preventScroll: true });
        else if (tries > 0) requestAnimationFrame(() => focus(tries - 1));
      };
      requestAnimationFrame(() => focus(10));
    },
  }));
  const visible = rows.getVirtualItems();
  const last = visible.at(-1)?.index ?? -1;
  const isNearEnd = hasOlder && events.length > 0 && last >= events.length - 5;
  // biome-ignore lint/correctness/useExhaustiveDependencies: asks again after each page.
  useEffect(() => {
    if (isNearEnd) onEnd();
  }, [isNearEnd, events.length]);
  return (
    <ul ref={frame} aria-label={t('list')} className={styles.list} style={{ height: rows.getTotalSize() }}>
      {visible.map((row) => {
        const event = events[row.index];
        if (!event) return null;
        const seen = corrected(event, all);
        return (
          <li
            key={event.id}
            aria-setsize={hasOlder ? -1 : events.length}
            aria-posinset={row.index + 1}
            className={styles.item}
            style={{ height, transform: `translateY(${row.start - top}px)` }}
          >
            <EventRow
              event={seen.event}
              mark={seen.mark}
              isSelected={event.id === selectedId}
              onSelect={onSelect}
            />
          </li>
        );
      })}
    </ul>
  );
}
