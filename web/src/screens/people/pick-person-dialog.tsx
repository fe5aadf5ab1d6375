import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { FormDialog } from '../../ui/dialog.tsx';
import { type Person, usePerson } from './people-data.ts';
import { PersonPicker } from './person-picker.tsx';

interface PickPersonDialogProps {
  readonly collectionId: string;
  readonly title: string;
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly onPick: (person: Person) => void;
}

export function PickPersonDialog(props: PickPersonDialogProps) {
  const { isOpen, title, onClose } = props;
  const { t } = useTranslation('people');
  const [name, setName] = useState('');
  useEffect(() => {
    if (isOpen) setName('');
  }, [isOpen]);
  const { data: person } = usePerson(props.collectionId, name);
  return (
    <FormDialog
      title={title}
      isOpen={isOpen}
      onClose={onClose}
      action={t('sort.submit')}
      isDisabled={!person}
      onSubmit={() => {
        if (!person) return;
        props.onPick(person);
        onClose();
      }}
      size="sm"
    >
      <PersonPicker
        label={t('person')}
        collectionId={props.collectionId}
        value={name}
        onChange={setName}
        hint={t('sort.similarityHint')}
      />
    </FormDialog>
  );
}
