import { useQueryClient } from '@tanstack/react-query';
import { ArrowUp, Pause, Play } from 'lucide-react';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { isCode } from '../../api/problem.ts';
import { useStore } from '../../api/store.ts';
import { useFormat } from '../../i18n/format.ts';
import { Button } from '../../ui/button.tsx';
import { cx } from '../../ui/cx.ts';
import { Dialog } from '../../ui/dialog.tsx';
import { Page } from '../../ui/page.tsx';
import { useSingleKeys, usesSingleKeys } from '../../ui/single-keys.ts';
import { EmptyState, ErrorState, Note, SkeletonList, useErrorText } from '../../ui/states.tsx';
import { toast } from '../../ui/toast.tsx';
import {
  type Correction,
  type CorrectionKind,
  correct,
  corrected,
  corrections,
  noteCorrection,
} from './corrections.ts';
import { EnrolDialog } from './enrol-dialog.tsx';
import type { FaceEvent, ReviewState } from './event.ts';
import { actsOf, type EventAct, EventDetails } from './event-details.tsx';
import type { FeedView } from './event-feed.ts';
import { EventList, type EventListHandle } from './event-list.tsx';
import { cropFile, deleteFace, enrolFace, mergePeople, moveFace, reviewEvent } from './face-calls.ts';
import { FilterBar, useFilters } from './filters.tsx';
import styles from './live.module.css';
import { NoEvents } from './no-events.tsx';
import { MergeDialog, ReassignDialog } from './person-dialogs.tsx';
import { useFeed } from './use-feed.ts';

const AT_TOP = 80;
const NARROW = '(max-width: 48rem)';
const SIDE_BY_SIDE = '(min-width: 75rem)';
const ACT_KEYS: Readonly<Record<string, EventAct>> = {
  c: 'confirm',
  r: 'reassign',
  a: 'add',
  m: 'merge',
  Delete: 'delete',
  e: 'enrol',
};

const KEY_NAMES = [
  ['j', 'next'],
  ['k', 'previous'],
  ['Enter', 'open'],
  ['Esc', 'leave'],
  ['c', 'confirm'],
  ['r', 'reassign'],
  ['a', 'add'],
  ['m', 'merge'],
  ['Del', 'delete'],
  ['e', 'enrol'],
  ['p', 'pause'],
  ['n', 'newest'],
] as const;

function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const media = matchMedia(query);
    const listen = () => setMatches(media.matches);
    media.addEventListener('change', listen);
    return () => media.removeEventListener('change', listen);
  }, [query]);
  return matches;
}

function useIsAtTop(): boolean {
  const [isAtTop, setIsAtTop] = useState(true);
  useEffect(() => {
    const listen = () => setIsAtTop(scrollY <= AT_TOP);
    addEventListener('scroll', listen, { passive: true });
    return () => removeEventListener('scroll', listen);
  }, []);
  return isAtTop;
}

function FlowState({ view, isPaused }: { readonly view: FeedView; readonly isPaused: boolean }) {
  const { t } = useTranslation('live');
  const format = useFormat();
  const state = view.state === 'open' && isPaused ? 'paused' : view.state;
  return (
    <span className={styles.flow}>
      <span role="status" className={cx(styles.state, styles[state])}>
        {t(`state.${state}`)}
      </span>
      {view.state === 'open' && view.rate > 0 && (
        <span className={styles.rate}>{t('rate', { rate: format.number(Math.ceil(view.rate)) })}</span>
      )}
    </span>
  );
}

type OpenDialog = 'reassign' | 'merge' | 'enrol' | null;

export default function Live() {
  const { t } = useTranslation(['live', 'common']);
  const errorText = useErrorText();
  const queryClient = useQueryClient();
  const filters = useFilters();
  const { feed, view } = useFeed(filters.filter);
  const all = useStore(corrections);
  const hasKeys = useStore(usesSingleKeys);
  const isNarrow = useMedia(NARROW);
  const isSideBySide = useMedia(SIDE_BY_SIDE);
  const isAtTop = useIsAtTop();
  const [isPaused, setIsPaused] = useState(false);
  const [selectedId, setSelectedId] = useState<string | null>(null);
  const [isOpen, setIsOpen] = useState(false);
  const [dialog, setDialog] = useState<OpenDialog>(null);
  const list = useRef<EventListHandle>(null);
  const panel = useRef<HTMLElement>(null);

  // Each batch of events renders this screen, and the filters are its most expensive part.
  // biome-ignore lint/correctness/useExhaustiveDependencies: `values` decides what the bar shows.
  const bar = useMemo(() => <FilterBar {...filters} />, [filters.values]);

  const { events } = view;
  const index = events.findIndex(({ id }) => id === selectedId);
  const raw = events[index] ?? null;
  const selected = raw && corrected(raw, all);
  const isHeld = isPaused || !isAtTop || selectedId !== null;
  useEffect(() => feed.hold(isHeld), [feed, isHeld]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another filter has other events.
  useEffect(() => {
    setSelectedId(null);
    setIsOpen(false);
  }, [feed]);

  const select = useCallback((event: FaceEvent) => {
    setSelectedId(event.id);
    setIsOpen(true);
  }, []);
  const leave = () => {
    setSelectedId(null);
    setIsOpen(false);
  };
  const showNewest = () => {
    leave();
    setIsPaused(false);
    scrollTo({ top: 0 });
  };
  const step = (by: number) => {
    const next = index < 0 ? 0 : Math.max(0, Math.min(events.length - 1, index + by));
    const event = events[next];
    if (!event) return;
    setSelectedId(event.id);
    list.current?.show(next);
  };

  const onFailed = (error: unknown) => toast.failed(t('failed', { reason: errorText(error) }));
  const review = async (eventId: string, state: ReviewState | null) => {
    const reviewed = await reviewEvent(eventId, state);
    feed.patch(
      ({ id }) => id === eventId,
      (each) => ({ ...each, review: reviewed.review }),
    );
  };
  const noteCorrected = (eventId: string) => review(eventId, 'corrected').catch(() => {});
  const confirm = ({ id, externalKey, review: before }: FaceEvent) => {
    const forget = noteCorrection(id, 'confirmed', null);
    const sent = review(id, 'confirmed').catch((error) => {
      forget();
      onFailed(error);
    });
    toast.undoable({
      text: t('doing.confirmed', { name: externalKey ?? '' }),
      commit: () => {},
      undo: () => {
        forget();
        void sent.then(() => review(id, before?.state ?? null)).catch(onFailed);
      },
    });
  };
  const begin = (
    event: FaceEvent,
    kind: CorrectionKind,
    name: string | null,
    change: Pick<Correction, 'concerns' | 'change'>,
    send: () => Promise<unknown>,
  ) =>
    correct({
      eventId: event.id,
      kind,
      name,
      ...change,
      text: t(`doing.${kind}`, { name: name ?? '', old: event.externalKey ?? t('name.unnamed') }),
      send,
      onFailed,
      onDone: (done) => {
        feed.patch(done.concerns, done.change);
        // The review would go with the face.
        if (kind !== 'deleted') void noteCorrected(event.id);
        void queryClient.invalidateQueries({ queryKey: ['people', event.collectionId] });
      },
    });
  const sameFace =
    ({ faceId }: FaceEvent) =>
    (event: FaceEvent) =>
      event.faceId === faceId;
  const unchanged = { concerns: () => false, change: (event: FaceEvent) => event };

  const addImage = (event: FaceEvent, name: string, kind: 'added' | 'reassigned') =>
    begin(event, kind, name, unchanged, async () => {
      const { collectionId, source } = event;
      const image = await cropFile(event);
      const answer = await enrolFace({ collectionId: collectionId ?? '', externalKey: name, image, source });
      if (answer.faceId === null) throw new Error(answer.refusal?.detail ?? t('enrol.noFace'));
    });

  const act = (what: EventAct) => {
    if (!selected) return;
    const { event, mark } = selected;
    const { collectionId, faceId, externalKey } = event;
    if (!actsOf(event, mark).includes(what)) return;
    if (what === 'reassign' || what === 'merge' || what === 'enrol') return setDialog(what);
    if (what === 'confirm') return confirm(event);
    if (what === 'add') return addImage(event, externalKey ?? '', 'added');
    if (collectionId === null || faceId === null) return;
    begin(
      event,
      'deleted',
      null,
      {
        concerns: sameFace(event),
        change: (each) => ({ ...each, faceId: null, externalKey: null }),
      },
      () => deleteFace(collectionId, faceId),
    );
  };

  const reassign = (name: string, way: 'move' | 'add') => {
    setDialog(null);
    if (!selected) return;
    const { event } = selected;
    const { collectionId, faceId } = event;
    if (way === 'add') return addImage(event, name, 'reassigned');
    if (collectionId === null || faceId === null) return;
    begin(
      event,
      'reassigned',
      name,
      { concerns: sameFace(event), change: (each) => ({ ...each, externalKey: name }) },
      () => moveFace(collectionId, faceId, name),
    );
  };

  const merge = (name: string) => {
    setDialog(null);
    if (!selected) return;
    const { event } = selected;
    const { collectionId, externalKey } = event;
    if (collectionId === null || externalKey === null) return;
    begin(
      event,
      'merged',
      name,
      {
        concerns: (each) => each.collectionId === collectionId && each.externalKey === externalKey,
        change: (each) => ({ ...each, externalKey: name }),
      },
      () => mergePeople(collectionId, externalKey, name),
    );
  };

  useSingleKeys(
    KEY_NAMES.map(([key, name]) => [t(`shortcut.${name}`), [key]]),
    (key) => {
      const what = ACT_KEYS[key];
      if (what) act(what);
      else if (key === 'j') step(1);
      else if (key === 'k') step(-1);
      else if (key === 'Escape') leave();
      else if (key === 'p') setIsPaused(!isPaused);
      else if (key === 'n') showNewest();
      else if (
        key === 'Enter' &&
        selected &&
        isSideBySide &&
        document.activeElement?.hasAttribute('data-event')
      ) {
        panel.current?.focus();
      } else return false;
      return true;
    },
  );

  const details = selected && (
    <EventDetails event={selected.event} mark={selected.mark} onAct={act} hasKeys={hasKeys} />
  );
  const isFiltered = filters.count > 0;
  return (
    <Page
      title={t('title')}
      hint={t('hint')}
      actions={
        <>
          <FlowState view={view} isPaused={isPaused} />
          {view.state !== 'past' && (
            <Button icon={isPaused ? Play : Pause} onPress={() => setIsPaused(!isPaused)}>
              {t(isPaused ? 'resume' : 'pause')}
            </Button>
          )}
        </>
      }
    >
      {bar}
      {view.hasGap && <Note tone="warn">{t('gap')}</Note>}
      {view.error !== null && events.length > 0 && (
        <Note tone="warn">
          {isCode(view.error, 'RATE_LIMIT_EXCEEDED') || isCode(view.error, 'OVERLOADED')
            ? t('tooMany')
            : errorText(view.error)}
        </Note>
      )}
      <div className={cx(styles.columns, isSideBySide && styles.sideBySide)}>
        <div className={styles.main}>
          {view.held > 0 && (
            <div className={styles.held}>
              <Button size="sm" variant="primary" icon={ArrowUp} onPress={showNewest}>
                {t(view.isHeldFull ? 'heldMore' : 'held', { count: view.held })}
              </Button>
            </div>
          )}
          {events.length > 0 ? (
            <EventList
              ref={list}
              events={events}
              selectedId={selectedId}
              onSelect={select}
              onEnd={() => void feed.loadOlder()}
              hasOlder={view.hasOlder}
              isNarrow={isNarrow}
            />
          ) : view.error !== null ? (
            <ErrorState error={view.error} />
          ) : view.state === 'loading' || view.isLoadingOlder ? (
            <SkeletonList rows={8} />
          ) : view.hasOlder ? (
            <EmptyState
              title={t('empty.filtered')}
              actions={<Button onPress={() => void feed.loadOlder()}>{t('empty.further')}</Button>}
            />
          ) : isFiltered ? (
            <EmptyState
              title={t('empty.filtered')}
              actions={<Button onPress={filters.clear}>{t('filter.clear')}</Button>}
            />
          ) : (
            <NoEvents />
          )}
        </div>
        {isSideBySide && (
          <aside ref={panel} tabIndex={-1} aria-label={t('details.title')} className={styles.panel}>
            {details ?? <p className={styles.hint}>{t('details.none')}</p>}
          </aside>
        )}
      </div>
      {!isSideBySide && details && (
        <Dialog
          title={t('details.title')}
          kind="drawer"
          size="sm"
          isOpen={isOpen && dialog === null}
          onClose={leave}
        >
          {details}
        </Dialog>
      )}
      {selected && dialog === 'reassign' && (
        <ReassignDialog event={selected.event} onClose={() => setDialog(null)} onReassign={reassign} />
      )}
      {selected && dialog === 'merge' && (
        <MergeDialog event={selected.event} onClose={() => setDialog(null)} onMerge={merge} />
      )}
      {selected && dialog === 'enrol' && (
        <EnrolDialog
          event={selected.event}
          onClose={() => setDialog(null)}
          onEnrolled={({ faceId, externalKey }, collectionId) => {
            setDialog(null);
            const forget = noteCorrection(selected.event.id, 'enrolled', externalKey ?? '');
            toast.undoable({
              text: t('doing.enrolled', { name: externalKey ?? '' }),
              commit: () => void noteCorrected(selected.event.id),
              undo: () => {
                forget();
                if (faceId !== null) deleteFace(collectionId, faceId).catch(onFailed);
              },
            });
          }}
        />
      )}
    </Page>
  );
}
