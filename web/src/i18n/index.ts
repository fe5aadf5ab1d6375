import i18next, { type BackendModule } from 'i18next';
import { initReactI18next } from 'react-i18next';
import commonEn from './en/common.json';

export const LANGUAGES = { en: 'English', de: 'Deutsch' } as const;
export type Language = keyof typeof LANGUAGES;

const STORED = 'visage.language';
const files = import.meta.glob<{ default: Record<string, unknown> }>('./{en,de}/*.json');

const backend: BackendModule = {
  type: 'backend',
  init() {},
  read(language, namespace, done) {
    const load = files[`./${language}/${namespace}.json`];
    if (!load) return done(new Error(`No strings ${language}/${namespace}`), null);
    load().then(
      ({ default: strings }) => done(null, strings),
      (cause) => done(cause, null),
    );
  },
};

function firstLanguage(): Language {
  const wanted = [localStorage.getItem(STORED), ...navigator.languages.map((each) => each.slice(0, 2))];
  return (wanted.find((each) => each !== null && each in LANGUAGES) ?? 'en') as Language;
}

export async function startStrings(): Promise<void> {
  await i18next
    .use(backend)
    .use(initReactI18next)
    .init({
      lng: firstLanguage(),
      fallbackLng: 'en',
      supportedLngs: Object.keys(LANGUAGES),
      ns: ['common'],
      defaultNS: 'common',
      partialBundledLanguages: true,
      resources: { en: { common: commonEn } },
      interpolation: { escapeValue: false },
    });
  markDocument();
}

export async function loadStrings(namespaces: readonly string[]): Promise<void> {
  await i18next.loadNamespaces(namespaces);
}

function markDocument(): void {
  document.documentElement.lang = i18next.language;
}

export async function changeLanguage(language: Language): Promise<void> {
  localStorage.setItem(STORED, language);
  await i18next.changeLanguage(language);
  markDocument();
}
