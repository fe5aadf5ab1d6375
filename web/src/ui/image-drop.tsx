import { Camera, FolderOpen, ImagePlus } from 'lucide-react';
import { type ReactNode, useEffect, useEffectEvent, useState } from 'react';
import {
  DIRECTORY_DRAG_TYPE,
  type DirectoryDropItem,
  DropZone,
  type FileDropItem,
  FileTrigger,
  Text,
} from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { Button } from './button.tsx';
import { cx } from './cx.ts';
import styles from './image-drop.module.css';
import { IMAGE_EXTENSIONS, IMAGE_TYPES, MAX_PICKED, type PickedFile } from './images.ts';
import { WebcamDialog } from './webcam.tsx';

async function filesIn(directory: DirectoryDropItem, path: string, found: PickedFile[]): Promise<void> {
  for await (const entry of directory.getEntries()) {
    if (found.length >= MAX_PICKED) return;
    if (entry.kind === 'file') found.push({ file: await entry.getFile(), path: `${path}/${entry.name}` });
    else await filesIn(entry, `${path}/${entry.name}`, found);
  }
}

function usePastedImages(onFiles: (files: readonly PickedFile[]) => void): void {
  const paste = useEffectEvent((event: ClipboardEvent) => {
    const target = event.target as Element | null;
    if (event.defaultPrevented || target?.closest('input, textarea')) return;
    const files = [...(event.clipboardData?.files ?? [])].filter(({ type }) => type.startsWith('image/'));
    if (files.length === 0) return;
    event.preventDefault();
    onFiles(files.map((file) => ({ file, path: file.name })));
  });
  useEffect(() => {
    addEventListener('paste', paste);
    return () => removeEventListener('paste', paste);
  }, []);
}

interface ImageDropProps {
  readonly label: string;
  readonly hint?: ReactNode;
  readonly onFiles: (files: readonly PickedFile[]) => void;
  readonly isSingle?: boolean;
  readonly takesFolder?: boolean;
  readonly isCompact?: boolean;
  readonly webcamStatus?: string;
}

export function ImageDrop(props: ImageDropProps) {
  const { label, hint, onFiles, isSingle = false, takesFolder = false, isCompact, webcamStatus } = props;
  const { t } = useTranslation('photos');
  const [isWebcam, setIsWebcam] = useState(false);
  usePastedImages((files) => onFiles(isSingle ? files.slice(0, 1) : files));
  const drop = async (items: readonly { readonly kind: string }[]) => {
    const found: PickedFile[] = [];
    for (const item of items) {
      if (item.kind === 'file') {
        const { name, getFile } = item as FileDropItem;
        found.push({ file: await getFile(), path: name });
      } else if (item.kind === 'directory' && takesFolder) {
        const directory = item as DirectoryDropItem;
        await filesIn(directory, directory.name, found);
      }
      if (isSingle && found.length > 0) break;
    }
    if (found.length > 0) onFiles(found);
  };
  const pick = (list: FileList | null) => {
    const files = [...(list ?? [])].slice(0, MAX_PICKED);
    if (files.length > 0)
      onFiles(files.map((file) => ({ file, path: file.webkitRelativePath || file.name })));
  };
  return (
    <DropZone
      className={cx(styles.zone, isCompact && styles.compact)}
      aria-label={label}
      getDropOperation={(types) =>
        [...IMAGE_TYPES, 'application/octet-stream', DIRECTORY_DRAG_TYPE].some((type) => types.has(type))
          ? 'copy'
          : 'cancel'
      }
      onDrop={(event) => void drop(event.items)}
    >
      <ImagePlus aria-hidden size={isCompact ? 18 : 26} strokeWidth={1.6} className={styles.icon} />
      <div className={styles.words}>
        <Text slot="label" className={styles.label}>
          {label}
        </Text>
        {hint && <p className={styles.hint}>{hint}</p>}
      </div>
      <div className={styles.actions}>
        <FileTrigger
          acceptedFileTypes={[...IMAGE_TYPES, ...IMAGE_EXTENSIONS]}
          allowsMultiple={!isSingle}
          onSelect={pick}
        >
          <Button size={isCompact ? 'sm' : 'md'} icon={ImagePlus}>
            {t(isSingle ? 'drop.file' : 'drop.files')}
          </Button>
        </FileTrigger>
        {takesFolder && (
          <FileTrigger acceptDirectory onSelect={pick}>
            <Button size={isCompact ? 'sm' : 'md'} icon={FolderOpen}>
              {t('drop.folder')}
            </Button>
          </FileTrigger>
        )}
        <Button size={isCompact ? 'sm' : 'md'} icon={Camera} onPress={() => setIsWebcam(true)}>
          {t('drop.webcam')}
        </Button>
      </div>
      <WebcamDialog
        isOpen={isWebcam}
        onClose={() => setIsWebcam(false)}
        status={webcamStatus}
        onPhoto={(file) => {
          onFiles([{ file, path: file.name }]);
          if (isSingle) setIsWebcam(false);
        }}
      />
    </DropZone>
  );
}
