import { useTranslation } from 'react-i18next';
import type { Tone } from '../../ui/badge.tsx';
import type { EventResult, FaceEvent } from './event.ts';

export const TONES: Readonly<Record<EventResult, Tone>> = {
  match: 'ok',
  no_match: 'warn',
  no_face: 'plain',
  refused: 'bad',
  added: 'accent',
  assigned: 'plain',
  deleted: 'plain',
  live: 'ok',
  not_live: 'bad',
};

const SEARCHES: readonly string[] = ['search', 'identify', 'recognize', 'index'];

export function canEnrol({ type, result }: FaceEvent): boolean {
  return (result === 'no_match' && SEARCHES.includes(type)) || (result === 'refused' && type === 'enroll');
}

export function canCorrect({ collectionId, faceId, result }: FaceEvent): boolean {
  return collectionId !== null && faceId !== null && result !== 'deleted';
}

export function canConfirm(event: FaceEvent): boolean {
  return event.result === 'match' && canCorrect(event);
}

export function useEventName(): (event: FaceEvent) => string {
  const { t } = useTranslation('live');
  return ({ externalKey, faceId, result }) => {
    if (externalKey !== null) return externalKey;
    if (faceId !== null) return t('name.unnamed');
    if (result === 'no_match') return t('name.unknown');
    if (result === 'no_face') return t('name.noFace');
    if (result === 'deleted') return t('name.deleted');
    return t('name.face');
  };
}

export function useRefusalText(): (code: string) => string {
  const { t } = useTranslation('live');
  return (code) => t(`refusal.${code}` as 'refusal.LOW_QUALITY', { defaultValue: code });
}
