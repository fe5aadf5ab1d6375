import { useEffect, useState, useSyncExternalStore } from 'react';
import type { EventFilter } from './event.ts';
import { EventFeed, type FeedView } from './event-feed.ts';

export function useFeed(filter: EventFilter): { feed: EventFeed; view: FeedView } {
  const key = JSON.stringify(filter);
  const [current, setCurrent] = useState(() => ({ key, feed: new EventFeed(filter) }));
  if (current.key !== key) setCurrent({ key, feed: new EventFeed(filter) });
  const { feed } = current;
  useEffect(() => {
    feed.start();
    return () => feed.stop();
  }, [feed]);
  const view = useSyncExternalStore(feed.subscribe, () => feed.view);
  return { feed, view };
}
