import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, call } from '../../api/client.ts';
import { ComboBox } from '../../ui/combo-box.tsx';
import { problemOfName } from './names.ts';
import { useLate } from './people-data.ts';

const SUGGESTIONS = 8;
const TYPING_MS = 150;

interface PersonPickerProps {
  readonly label: string;
  readonly collectionId: string;
  readonly value: string;
  readonly onChange: (externalKey: string) => void;
  readonly except?: string;
  readonly hint?: string;
}

export function PersonPicker({ label, collectionId, value, onChange, except, hint }: PersonPickerProps) {
  const { t } = useTranslation('people');
  const filter = useLate(value.trim(), TYPING_MS);
  const { data } = useQuery({
    queryKey: [collectionId, 'suggestions', filter],
    queryFn: ({ signal }) =>
      call(
        api.GET('/v1/external-key/list', {
          params: {
            query: {
              collectionId,
              limit: SUGGESTIONS,
              ...(filter === '' ? { sort: 'createdAt', order: 'desc' } : { filter }),
            },
          },
          signal,
        }),
      ),
    placeholderData: (previous) => previous,
  });
  const typed = value.trim().toLowerCase();
  const suggestions = (data?.people ?? [])
    .filter(({ externalKey }) => externalKey !== except && externalKey.toLowerCase().includes(typed))
    .map(({ externalKey, faceCount }) => ({ value: externalKey, hint: t('faces', { count: faceCount }) }));
  const problem = value === '' ? null : problemOfName(value);
  return (
    <ComboBox
      label={label}
      value={value}
      onChange={onChange}
      suggestions={suggestions}
      hint={hint}
      error={problem === null ? null : t(`name.problem.${problem}`)}
      autoFocus
    />
  );
}
