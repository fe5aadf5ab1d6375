import { Store } from '../api/store.ts';

export type Theme = 'system' | 'light' | 'dark';

const STORED = 'visage.theme';

function stored(): Theme {
  const value = localStorage.getItem(STORED);
  return value === 'light' || value === 'dark' ? value : 'system';
}

export const theme = new Store<Theme>(stored());

function show(): void {
  const { dataset } = document.documentElement;
  if (theme.value === 'system') delete dataset.theme;
  else dataset.theme = theme.value;
}

export function setTheme(next: Theme): void {
  if (next === 'system') localStorage.removeItem(STORED);
  else localStorage.setItem(STORED, next);
  theme.set(next);
  show();
}

show();
