import { useInfiniteQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, call } from '../../api/client.ts';
import type { components } from '../../api/schema.d.ts';
import { useFormat } from '../../i18n/format.ts';
import { Badge, type Tone } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Card } from '../../ui/card.tsx';
import { Similarity } from '../../ui/similarity.tsx';
import { EmptyState, ErrorState, SkeletonList } from '../../ui/states.tsx';
import { Table } from '../../ui/table.tsx';

type EventResult = components['schemas']['Event']['result'];

const PAGE = 50;
const TONES: Readonly<Partial<Record<EventResult, Tone>>> = {
  match: 'ok',
  added: 'accent',
  refused: 'bad',
  no_match: 'warn',
};

interface PersonEventsProps {
  readonly collectionId: string;
  readonly externalKey: string;
}

export function PersonEvents({ collectionId, externalKey }: PersonEventsProps) {
  const { t } = useTranslation(['people', 'common']);
  const format = useFormat();
  const list = useInfiniteQuery({
    queryKey: [collectionId, 'events', externalKey],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) =>
      call(
        api.GET('/v1/events', {
          params: {
            query: {
              collectionId,
              externalKey,
              limit: PAGE,
              ...(pageParam === null ? {} : { cursor: pageParam }),
            },
          },
          signal,
        }),
      ),
    getNextPageParam: ({ nextCursor }) => nextCursor,
  });
  if (list.isPending) return <SkeletonList rows={3} />;
  if (list.error) {
    return <ErrorState error={list.error} onRetry={() => void list.refetch()} />;
  }
  const events = (list.data?.pages ?? []).flatMap((page) => page.events);
  if (events.length === 0) {
    return <EmptyState title={t('events.empty.title')}>{t('events.empty.text')}</EmptyState>;
  }
  return (
    <Card hasPadding={false}>
      <Table
        label={t('events.title')}
        rows={events}
        keyOf={({ id }) => id}
        columns={[
          {
            id: 'time',
            title: t('events.time'),
            cell: ({ time }) => <time dateTime={time}>{format.exactTime(time)}</time>,
          },
          {
            id: 'result',
            title: t('events.result'),
            cell: ({ result }) => (
              <Badge tone={TONES[result] ?? 'plain'}>{t(`events.results.${result}`)}</Badge>
            ),
          },
          {
            id: 'similarity',
            title: t('events.similarity'),
            cell: ({ similarity, threshold }) =>
              similarity === null ? null : <Similarity value={similarity} threshold={threshold} isCompact />,
          },
          {
            id: 'source',
            title: t('events.source'),
            isMinor: true,
            cell: ({ source, caller }) =>
              source ?? caller.name ?? (caller.kind === 'member' ? t('events.member') : caller.id),
          },
        ]}
      />
      {list.hasNextPage && (
        <Button variant="ghost" isPending={list.isFetchingNextPage} onPress={() => void list.fetchNextPage()}>
          {t('common:action.more')}
        </Button>
      )}
    </Card>
  );
}
