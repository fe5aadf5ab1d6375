import { useState } from 'react';
import { Radio, RadioGroup } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { usePersonExists } from '../../api/person-exists.ts';
import { ComboBox } from '../../ui/combo-box.tsx';
import { FormDialog } from '../../ui/dialog.tsx';
import { FaceThumb } from '../../ui/face-image.tsx';
import type { FaceEvent } from './event.ts';
import { cropOf } from './event-calls.ts';
import styles from './live.module.css';
import { useSuggestedPeople } from './use-people.ts';

const VALID = /^[\x21-\x7e]{1,512}$/;

export function isValidName(name: string): boolean {
  return VALID.test(name);
}

interface PersonFieldProps {
  readonly label: string;
  readonly collectionId: string | null;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly hint?: string;
  readonly error?: string | null;
}

export function PersonField({ collectionId, value, hint, error, ...props }: PersonFieldProps) {
  const { t } = useTranslation('live');
  const suggestions = useSuggestedPeople(collectionId, value);
  const isInvalid = value !== '' && !isValidName(value);
  return (
    <ComboBox
      {...props}
      value={value}
      suggestions={suggestions}
      hint={hint ?? t('person.rule')}
      error={isInvalid ? t('person.invalid') : error}
      autoFocus
    />
  );
}

interface DialogProps {
  readonly event: FaceEvent;
  readonly onClose: () => void;
}

type Way = 'move' | 'add';

interface ReassignProps extends DialogProps {
  readonly onReassign: (name: string, way: Way) => void;
}

export function ReassignDialog({ event, onClose, onReassign }: ReassignProps) {
  const { t } = useTranslation('live');
  const [name, setName] = useState('');
  const [way, setWay] = useState<Way>('move');
  const old = event.externalKey ?? t('name.unnamed');
  const isSame = name === event.externalKey;
  return (
    <FormDialog
      title={t('reassign.title')}
      isOpen
      onClose={onClose}
      action={t('reassign.action')}
      isDisabled={!isValidName(name) || isSame}
      onSubmit={() => onReassign(name, way)}
    >
      <div className={styles.dialogFace}>
        <FaceThumb src={cropOf(event)} alt="" name={event.externalKey} size={64} />
        <p>{t('reassign.text', { name: old })}</p>
      </div>
      <PersonField
        label={t('reassign.person')}
        collectionId={event.collectionId}
        value={name}
        onChange={setName}
        error={isSame ? t('reassign.same') : null}
      />
      {event.hasCrop && (
        <RadioGroup
          aria-label={t('reassign.way')}
          value={way}
          onChange={(value) => setWay(value as Way)}
          className={styles.ways}
        >
          {(['move', 'add'] as const).map((each) => (
            <Radio key={each} value={each} className={styles.way}>
              <span className={styles.dot} aria-hidden />
              <span>
                {t(`reassign.${each}`, { name: old })}
                <span className={styles.wayHint}>{t(`reassign.${each}Hint`)}</span>
              </span>
            </Radio>
          ))}
        </RadioGroup>
      )}
    </FormDialog>
  );
}

interface MergeProps extends DialogProps {
  readonly onMerge: (name: string) => void;
}

export function MergeDialog({ event, onClose, onMerge }: MergeProps) {
  const { t } = useTranslation('live');
  const [name, setName] = useState('');
  const isSame = name === event.externalKey;
  // A merge into a name that no face has would be a rename.
  const exists = usePersonExists(event.collectionId, isValidName(name) && !isSame ? name : '');
  return (
    <FormDialog
      title={t('merge.title', { name: event.externalKey ?? '' })}
      isOpen
      onClose={onClose}
      action={t('merge.action')}
      isDisabled={exists !== true}
      onSubmit={() => onMerge(name)}
    >
      <p>{t('merge.text', { name: event.externalKey ?? '' })}</p>
      <PersonField
        label={t('merge.person')}
        collectionId={event.collectionId}
        value={name}
        onChange={setName}
        hint={t('merge.hint')}
        error={isSame ? t('reassign.same') : exists === false ? t('merge.missing', { name }) : null}
      />
    </FormDialog>
  );
}
