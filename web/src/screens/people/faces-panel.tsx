import { Move, Trash2, UserPen } from 'lucide-react';
import { type ReactNode, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useMe } from '../../api/session.ts';
import { useFormat } from '../../i18n/format.ts';
import { Button } from '../../ui/button.tsx';
import { FormDialog } from '../../ui/dialog.tsx';
import { ErrorState, SkeletonList } from '../../ui/states.tsx';
import { toast } from '../../ui/toast.tsx';
import { VirtualGrid } from '../../ui/virtual-grid.tsx';
import { FaceCard } from './face-card.tsx';
import { problemOfName } from './names.ts';
import { confirmAhead, deleteFaces, hide, invalidate, moveFaces, useFaces } from './people-data.ts';
import { PersonPicker } from './person-picker.tsx';
import { useSelection } from './selection.ts';
import { SelectionBar } from './selection-bar.tsx';

interface FacesPanelProps {
  readonly collectionId: string;
  readonly externalKey: string | null;
  readonly empty: ReactNode;
}

export function FacesPanel({ collectionId, externalKey, empty }: FacesPanelProps) {
  const { t } = useTranslation(['people', 'common']);
  const format = useFormat();
  const me = useMe();
  const list = useFaces(collectionId, externalKey);
  const { faces } = list;
  const ids = useMemo(() => faces.map(({ faceId }) => faceId), [faces]);
  const selection = useSelection(ids);
  const [moving, setMoving] = useState<readonly string[]>([]);
  const [target, setTarget] = useState('');
  const isNaming = externalKey === null;

  const later = (faceIds: readonly string[], text: string, work: () => Promise<void>) => {
    const show = hide(collectionId, faceIds);
    selection.clear();
    toast.undoable({
      text,
      undo: show,
      commit: () =>
        void work()
          .catch((error: Error) => toast.failed(t('face.failed', { reason: error.message })))
          .finally(() => {
            show();
            invalidate(collectionId);
          }),
    });
  };
  const remove = async (faceIds: readonly string[]) => {
    if (faceIds.length > 1 && !(await confirmAhead(me))) return;
    const text = t('face.deleted', { count: faceIds.length, number: format.number(faceIds.length) });
    later(faceIds, text, () => deleteFaces(collectionId, faceIds));
  };
  const move = () => {
    const faceIds = moving;
    setMoving([]);
    const text = t(isNaming ? 'face.named' : 'face.moved', {
      count: faceIds.length,
      number: format.number(faceIds.length),
      name: target,
    });
    later(faceIds, text, () => moveFaces(collectionId, faceIds, target));
  };
  const ask = (faceIds: readonly string[]) => {
    setTarget('');
    setMoving(faceIds);
  };

  if (list.isPending) return <SkeletonList rows={4} />;
  if (list.error) return <ErrorState error={list.error} onRetry={() => void list.refetch()} />;
  return (
    <>
      {faces.length === 0 && !list.hasNextPage ? (
        empty
      ) : (
        <VirtualGrid
          label={t('face.list')}
          items={faces}
          keyOf={({ faceId }) => faceId}
          cellWidth={270}
          rowHeight={124}
          onEnd={() => {
            if (list.hasNextPage && !list.isFetchingNextPage) void list.fetchNextPage();
          }}
        >
          {(face, index) => (
            <FaceCard
              face={face}
              collectionId={collectionId}
              isSelected={selection.has(face.faceId)}
              onToggle={(isRange) => selection.toggle(index, isRange)}
              onMove={() => ask([face.faceId])}
              onDelete={() => void remove([face.faceId])}
            />
          )}
        </VirtualGrid>
      )}
      <SelectionBar
        count={selection.keys.size}
        total={faces.length}
        onSelectAll={() => selection.set(ids)}
        onClear={selection.clear}
      >
        <Button size="sm" icon={isNaming ? UserPen : Move} onPress={() => ask([...selection.keys])}>
          {t(isNaming ? 'face.name' : 'face.move')}
        </Button>
        <Button size="sm" variant="danger" icon={Trash2} onPress={() => void remove([...selection.keys])}>
          {t('common:action.delete')}
        </Button>
      </SelectionBar>
      <FormDialog
        title={t(isNaming ? 'face.nameTitle' : 'face.moveTitle', {
          count: moving.length,
          number: format.number(moving.length),
        })}
        isOpen={moving.length > 0}
        onClose={() => setMoving([])}
        action={t(isNaming ? 'face.name' : 'face.move')}
        isDisabled={problemOfName(target) !== null || target === externalKey}
        onSubmit={move}
      >
        <PersonPicker
          label={t('person')}
          collectionId={collectionId}
          value={target}
          onChange={setTarget}
          except={externalKey ?? undefined}
          hint={t('face.moveHint')}
        />
      </FormDialog>
    </>
  );
}
