import { useMemo, useState } from 'react';

export interface Selection {
  readonly keys: ReadonlySet<string>;
  readonly has: (key: string) => boolean;
  readonly toggle: (index: number, isRange: boolean) => void;
  readonly set: (keys: readonly string[]) => void;
  readonly clear: () => void;
}

export function useSelection(order: readonly string[]): Selection {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [anchor, setAnchor] = useState<string | null>(null);
  return useMemo(() => {
    const toggle = (index: number, isRange: boolean) => {
      const key = order[index];
      if (key === undefined) return;
      const next = new Set(chosen);
      const from = isRange && anchor !== null ? order.indexOf(anchor) : -1;
      if (from === -1) {
        if (!next.delete(key)) next.add(key);
        setAnchor(key);
      } else {
        for (const each of order.slice(Math.min(from, index), Math.max(from, index) + 1)) next.add(each);
      }
      setChosen(next);
    };
    return {
      keys: chosen,
      has: (key) => chosen.has(key),
      toggle,
      set: (keys) => setChosen(new Set(keys)),
      clear: () => {
        setChosen(new Set());
        setAnchor(null);
      },
    };
  }, [order, chosen, anchor]);
}
