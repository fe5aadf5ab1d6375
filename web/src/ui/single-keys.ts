import { useEffect, useEffectEvent } from 'react';
import { Store } from '../api/store.ts';

const STORED = 'visage.single-keys';
export const SEQUENCE = 1500;

/** Readers who dictate turn keys without Ctrl off (WCAG 2.1.4). */
export const usesSingleKeys = new Store(localStorage.getItem(STORED) !== 'off');

export function turnSingleKeys(isOn: boolean): void {
  localStorage.setItem(STORED, isOn ? 'on' : 'off');
  usesSingleKeys.set(isOn);
}

export type KeyHelp = readonly [text: string, keys: readonly string[]];

export const screenKeys = new Store<readonly KeyHelp[]>([]);

export function takesKeys(target: EventTarget | null): boolean {
  const isField =
    target instanceof Element && target.closest('input, textarea, select, [contenteditable]') !== null;
  return isField || document.querySelector('[role=dialog], [role=alertdialog]') !== null;
}

const ELSEWHERE = '[role=listbox], [role=menu]';

export function useSingleKeys(help: readonly KeyHelp[], onKey: (key: string) => boolean): void {
  const press = useEffectEvent((event: KeyboardEvent) => onKey(event.key) && event.preventDefault());
  useEffect(() => {
    let goSince = Number.NEGATIVE_INFINITY;
    const listen = (event: KeyboardEvent) => {
      const { key, ctrlKey, metaKey, altKey, target, defaultPrevented, timeStamp } = event;
      if (!usesSingleKeys.value || ctrlKey || metaKey || altKey || defaultPrevented) return;
      if (takesKeys(target) || (target instanceof Element && target.closest(ELSEWHERE))) return;
      const isSecond = timeStamp - goSince < SEQUENCE;
      goSince = key === 'g' ? timeStamp : Number.NEGATIVE_INFINITY;
      if (key !== 'g' && !isSecond) press(event);
    };
    addEventListener('keydown', listen);
    return () => removeEventListener('keydown', listen);
  }, []);
  const text = JSON.stringify(help);
  useEffect(() => {
    screenKeys.set(JSON.parse(text));
    return () => screenKeys.set([]);
  }, [text]);
}
