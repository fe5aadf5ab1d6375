import { useQuery } from '@tanstack/react-query';
import { ArrowDownAZ, ArrowUpAZ, GitMerge, Trash2, UserRoundX, UsersRound, X } from 'lucide-react';
import { type KeyboardEvent, useEffect, useEffectEvent, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'wouter';
import type { Collection } from '../../api/collection.tsx';
import { useMe } from '../../api/session.ts';
import { useFormat } from '../../i18n/format.ts';
import { Button, ButtonLink, IconButton } from '../../ui/button.tsx';
import { SearchField } from '../../ui/field.tsx';
import { Bar, Page } from '../../ui/page.tsx';
import { Select } from '../../ui/select.tsx';
import { EmptyState, ErrorState, Skeleton } from '../../ui/states.tsx';
import { toast } from '../../ui/toast.tsx';
import { VirtualGrid } from '../../ui/virtual-grid.tsx';
import { MergeDialog } from './merge-dialog.tsx';
import {
  confirmAhead,
  deletePeople,
  hide,
  invalidate,
  type Order,
  type Person,
  type PersonSort,
  SORTS,
  similarFaces,
  useAllPeople,
  useLate,
  usePeople,
} from './people-data.ts';
import styles from './people-grid.module.css';
import { PersonCard } from './person-card.tsx';
import { PickPersonDialog } from './pick-person-dialog.tsx';
import { useSelection } from './selection.ts';
import { SelectionBar } from './selection-bar.tsx';

const TYPING_MS = 200;
const MAX_SELECTED = 50_000;
const MAX_SIMILAR = 100;

const FIRST_ORDER: Readonly<Record<PersonSort, Order>> = {
  externalKey: 'asc',
  lastSeenAt: 'desc',
  quality: 'asc',
  faceCount: 'desc',
  createdAt: 'desc',
};

function moveFocus(event: KeyboardEvent<HTMLElement>): void {
  const cards = [...event.currentTarget.querySelectorAll<HTMLElement>('[data-card]')];
  const index = cards.indexOf(event.target as HTMLElement);
  if (index === -1) return;
  const rows = cards.map((card) => card.getBoundingClientRect());
  const own = rows[index] as DOMRect;
  const isNextRow = (rect: DOMRect) =>
    event.key === 'ArrowDown' ? rect.top > own.top + 1 : rect.top < own.top - 1;
  const distance = (rect: DOMRect) => Math.abs(rect.top - own.top) * 1000 + Math.abs(rect.left - own.left);
  const vertical = () =>
    rows
      .map((rect, at) => ({ rect, at }))
      .filter(({ rect }) => isNextRow(rect))
      .sort((a, b) => distance(a.rect) - distance(b.rect))[0]?.at;
  const next =
    event.key === 'ArrowRight' ? index + 1 : event.key === 'ArrowLeft' ? index - 1 : (vertical() ?? index);
  const card = cards[next];
  if (!card) return;
  event.preventDefault();
  card.focus();
}

interface Similar {
  readonly faceId: string;
  readonly name: string | null;
}

function useSimilar(collectionId: string, similar: Similar | null) {
  return useQuery({
    queryKey: [collectionId, 'similar', similar?.faceId],
    enabled: similar !== null,
    queryFn: ({ signal }) => similarFaces(collectionId, similar?.faceId ?? '', MAX_SIMILAR, signal),
  });
}

export function PeopleGrid({ collection }: { readonly collection: Collection }) {
  const { t } = useTranslation(['people', 'common']);
  const format = useFormat();
  const me = useMe();
  const { collectionId } = collection;
  const [params, setParams] = useSearchParams();
  const sort = (SORTS.find((each) => each === params.get('sort')) ?? 'externalKey') as PersonSort;
  const order: Order = params.get('order') === 'desc' ? 'desc' : 'asc';
  const likeId = params.get('like');
  const similar = likeId === null ? null : { faceId: likeId, name: params.get('of') };
  const [typed, setTyped] = useState(params.get('filter') ?? '');
  const filter = useLate(typed.trim(), TYPING_MS);
  const change = (values: Record<string, string | null>) =>
    setParams(
      (previous) => {
        for (const [name, value] of Object.entries(values)) {
          if (value === null || value === '') previous.delete(name);
          else previous.set(name, value);
        }
        return previous;
      },
      { replace: true },
    );
  // biome-ignore lint/correctness/useExhaustiveDependencies: the address follows the field.
  useEffect(() => {
    if ((params.get('filter') ?? '') !== filter) change({ filter });
  }, [filter]);

  const query = { filter, sort, order };
  const list = usePeople(collectionId, query);
  const alike = useSimilar(collectionId, similar);
  const [isPicking, setIsPicking] = useState(false);
  const [isMerging, setIsMerging] = useState(false);
  const [isGathering, setIsGathering] = useState(false);

  const similarity = useMemo(
    () =>
      new Map(
        (alike.data?.matches ?? []).flatMap(({ externalKey, similarity: score }) =>
          externalKey === null ? [] : [[externalKey, score] as const],
        ),
      ),
    [alike.data],
  );
  const people = useMemo((): readonly Person[] => {
    if (likeId === null) return list.people;
    const known = new Map(list.people.map((person) => [person.externalKey, person]));
    return (alike.data?.matches ?? []).flatMap((match) => {
      const { externalKey, faceId } = match;
      if (externalKey === null || !externalKey.toLowerCase().includes(filter.toLowerCase())) return [];
      return [
        known.get(externalKey) ?? {
          externalKey,
          faceId,
          faceCount: 0,
          createdAt: '',
          lastSeenAt: null,
          quality: null,
          hasThumbnail: collection.storeThumbnails,
        },
      ];
    });
  }, [likeId, list.people, alike.data, filter, collection.storeThumbnails]);
  const total = likeId === null ? list.total : people.length;
  const keys = useMemo(() => people.map(({ externalKey }) => externalKey), [people]);
  const selection = useSelection(keys);
  const gather = useAllPeople(collectionId, query, MAX_SELECTED);

  const selectAll = async () => {
    if (likeId !== null) return selection.set(keys);
    setIsGathering(true);
    try {
      const all = await gather(list.fetchNextPage);
      selection.set(all.slice(0, MAX_SELECTED).map(({ externalKey }) => externalKey));
    } finally {
      setIsGathering(false);
    }
  };

  const removeChosen = async () => {
    const chosen = [...selection.keys];
    if (chosen.length === 0) return;
    if (chosen.length > 1 && !(await confirmAhead(me))) return;
    const show = hide(collectionId, chosen);
    selection.clear();
    toast.undoable({
      text:
        chosen.length === 1
          ? t('deleted.one', { name: chosen[0] })
          : t('deleted.many', { count: chosen.length, number: format.number(chosen.length) }),
      undo: show,
      commit: () =>
        void deletePeople(collectionId, chosen)
          .catch((error: Error) => toast.failed(t('deleted.failed', { reason: error.message })))
          .finally(() => {
            show();
            invalidate(collectionId);
          }),
    });
  };
  const keyDown = useEffectEvent((event: globalThis.KeyboardEvent) => {
    const target = event.target as Element | null;
    if (target?.closest('input:not([type=checkbox]), textarea, [role=dialog], [role=listbox], [role=menu]'))
      return;
    if ((event.ctrlKey || event.metaKey) && event.key === 'a') {
      event.preventDefault();
      void selectAll();
    } else if (event.key === '/' && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      document.querySelector<HTMLInputElement>(`.${styles.filter} input`)?.focus();
    } else if (event.key === 'Escape' && selection.keys.size > 0) selection.clear();
    else if (event.key === 'Delete' && selection.keys.size > 0) void removeChosen();
  });
  useEffect(() => {
    addEventListener('keydown', keyDown);
    return () => removeEventListener('keydown', keyDown);
  }, []);

  const sortOptions = [
    ...SORTS.map((value) => ({ value, label: t(`sort.${value}`) })),
    { value: 'similarity' as const, label: t('sort.similarity'), hint: t('sort.similarityHint') },
  ];
  const hasCrops = collection.storeThumbnails || people.slice(0, 50).some(({ hasThumbnail }) => hasThumbnail);
  const isEmpty = likeId === null && filter === '' && !list.isPending && !list.error && total === 0;
  const error = likeId === null ? list.error : alike.error;
  const isPending = likeId === null ? list.isPending : alike.isPending;

  return (
    <Page
      title={t('title')}
      hint={isEmpty ? t('hint') : t('count', { count: total, number: format.number(total) })}
      actions={
        <>
          <ButtonLink href="/people/unnamed" icon={UserRoundX}>
            {t('unnamed.title')}
          </ButtonLink>
          <ButtonLink href="/people/add" variant="primary" icon={UsersRound}>
            {t('add.action')}
          </ButtonLink>
        </>
      }
    >
      {isEmpty ? (
        <EmptyState
          title={t('empty.title')}
          actions={
            <ButtonLink href="/people/add" variant="primary" icon={UsersRound}>
              {t('add.action')}
            </ButtonLink>
          }
        >
          {t('empty.text')}
        </EmptyState>
      ) : (
        <>
          <Bar>
            <SearchField label={t('filter')} value={typed} onChange={setTyped} className={styles.filter} />
            <Select
              label={t('sort.label')}
              hidesLabel
              className={styles.sort}
              options={sortOptions}
              value={likeId === null ? sort : 'similarity'}
              onChange={(value) => {
                if (value === 'similarity') setIsPicking(true);
                else change({ sort: value, order: FIRST_ORDER[value], like: null, of: null });
              }}
            />
            {likeId === null && (
              <IconButton
                icon={order === 'asc' ? ArrowDownAZ : ArrowUpAZ}
                variant="secondary"
                label={t(order === 'asc' ? 'sort.ascending' : 'sort.descending')}
                onPress={() => change({ sort, order: order === 'asc' ? 'desc' : 'asc' })}
              />
            )}
            {similar !== null && (
              <span className={styles.like}>
                {t('similarTo', { name: similar.name ?? similar.faceId })}
                <IconButton
                  icon={X}
                  size="sm"
                  label={t('similarClear')}
                  onPress={() => change({ like: null, of: null })}
                />
              </span>
            )}
          </Bar>
          {error ? (
            <ErrorState
              error={error}
              onRetry={() => void (likeId === null ? list.refetch() : alike.refetch())}
            />
          ) : isPending ? (
            <div className={styles.loading} role="status" aria-label={t('common:state.loading')}>
              {Array.from({ length: 12 }, (_, index) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: the boxes are alike.
                <Skeleton key={index} height={hasCrops ? 13 : 4} />
              ))}
            </div>
          ) : total === 0 ? (
            <EmptyState
              title={filter === '' ? t('none.similar') : t('none.title', { filter })}
              actions={<Button onPress={() => setTyped('')}>{t('common:action.clear')}</Button>}
            >
              {t('none.text')}
            </EmptyState>
          ) : (
            // biome-ignore lint/a11y/noStaticElementInteractions: arrows move among the links within.
            <div
              onKeyDown={(event) => {
                if (event.key.startsWith('Arrow')) moveFocus(event);
              }}
            >
              <VirtualGrid
                label={t('title')}
                items={people}
                total={total}
                keyOf={({ externalKey }) => externalKey}
                cellWidth={hasCrops ? 150 : 220}
                rowHeight={hasCrops ? 218 : 64}
                onEnd={() => {
                  if (likeId === null && list.hasNextPage && !list.isFetchingNextPage)
                    void list.fetchNextPage();
                }}
                placeholder={<span className={hasCrops ? styles.waits : styles.waitsFlat} aria-hidden />}
              >
                {(person, index) => (
                  <PersonCard
                    person={person}
                    collectionId={collectionId}
                    sort={likeId === null ? sort : 'similarity'}
                    similarity={similarity.get(person.externalKey)}
                    isFlat={!hasCrops}
                    isSelected={selection.has(person.externalKey)}
                    isSelecting={selection.keys.size > 0}
                    index={index}
                    onToggle={selection.toggle}
                  />
                )}
              </VirtualGrid>
            </div>
          )}
        </>
      )}
      <SelectionBar
        count={selection.keys.size}
        total={total}
        isGathering={isGathering}
        onSelectAll={() => void selectAll()}
        onClear={selection.clear}
      >
        {selection.keys.size > 1 && (
          <Button size="sm" icon={GitMerge} onPress={() => setIsMerging(true)}>
            {t('merge.action')}
          </Button>
        )}
        <Button size="sm" variant="danger" icon={Trash2} onPress={() => void removeChosen()}>
          {t('common:action.delete')}
        </Button>
      </SelectionBar>
      <MergeDialog
        collectionId={collectionId}
        isOpen={isMerging}
        externalKeys={[...selection.keys]}
        onClose={() => setIsMerging(false)}
        onMerge={selection.clear}
      />
      <PickPersonDialog
        collectionId={collectionId}
        title={t('sort.similarity')}
        isOpen={isPicking}
        onClose={() => setIsPicking(false)}
        onPick={({ externalKey, faceId }) => change({ like: faceId, of: externalKey })}
      />
    </Page>
  );
}
