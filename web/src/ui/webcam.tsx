import { Camera } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';
import { Select } from './select.tsx';
import { Note } from './states.tsx';
import { TlsHelp } from './tls-help.tsx';
import styles from './webcam.module.css';

const JPEG_QUALITY = 0.92;
const LEAST_WIDTH = 64;

type Problem = 'insecure' | 'denied' | 'none' | 'busy';

const PROBLEMS: Readonly<Record<string, Problem>> = {
  NotAllowedError: 'denied',
  NotFoundError: 'none',
  OverconstrainedError: 'none',
};

function photoOf(video: HTMLVideoElement): Promise<Blob | null> {
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext('2d')?.drawImage(video, 0, 0);
  return new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', JPEG_QUALITY));
}

interface WebcamProps {
  readonly onPhoto: (photo: File) => void;
  readonly action?: string;
}

function Webcam({ onPhoto, action }: WebcamProps) {
  const { t } = useTranslation(['photos', 'common']);
  const video = useRef<HTMLVideoElement>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isReady, setIsReady] = useState(false);
  const [cameras, setCameras] = useState<readonly MediaDeviceInfo[]>([]);
  const [cameraId, setCameraId] = useState<string | null>(null);
  useEffect(() => {
    if (!navigator.mediaDevices) {
      setProblem('insecure');
      return;
    }
    let stream: MediaStream | null = null;
    let isClosed = false;
    const open = async () => {
      const size = { width: { ideal: 1280 }, height: { ideal: 720 } };
      const camera = cameraId === null ? { facingMode: 'user' } : { deviceId: { exact: cameraId } };
      stream = await navigator.mediaDevices.getUserMedia({ video: { ...size, ...camera } });
      if (isClosed) return stop();
      setProblem(null);
      if (video.current) video.current.srcObject = stream;
      const devices = await navigator.mediaDevices.enumerateDevices();
      setCameras(devices.filter(({ kind }) => kind === 'videoinput'));
    };
    const stop = () => {
      for (const track of stream?.getTracks() ?? []) track.stop();
    };
    open().catch((error: unknown) => {
      setProblem(PROBLEMS[error instanceof Error ? error.name : ''] ?? 'busy');
    });
    return () => {
      isClosed = true;
      stop();
    };
  }, [cameraId]);
  const checkSize = ({ videoWidth }: HTMLVideoElement) => setIsReady(videoWidth >= LEAST_WIDTH);
  const take = async () => {
    if (!video.current) return;
    const photo = await photoOf(video.current);
    if (photo) onPhoto(new File([photo], `webcam-${Date.now()}.jpg`, { type: 'image/jpeg' }));
  };
  if (problem !== null) {
    return (
      <Note tone="warn" title={t(`webcam.${problem}.title`)}>
        {t(`webcam.${problem}.text`)}
        {problem === 'insecure' && <TlsHelp />}
      </Note>
    );
  }
  return (
    <div className={styles.webcam}>
      <div className={styles.view}>
        <video
          ref={video}
          autoPlay
          playsInline
          muted
          className={styles.video}
          aria-label={t('webcam.view')}
          onPlaying={(event) => checkSize(event.currentTarget)}
          onResize={(event) => checkSize(event.currentTarget)}
        />
      </div>
      <div className={styles.bar}>
        {cameras.length > 1 && (
          <Select
            label={t('webcam.camera')}
            hidesLabel
            options={cameras.map(({ deviceId, label }, index) => ({
              value: deviceId,
              label: label || t('webcam.number', { number: index + 1 }),
            }))}
            value={cameraId ?? cameras[0]?.deviceId ?? null}
            onChange={setCameraId}
          />
        )}
        <Button variant="primary" icon={Camera} isDisabled={!isReady} onPress={() => void take()} autoFocus>
          {action ?? t('webcam.take')}
        </Button>
      </div>
    </div>
  );
}

interface WebcamDialogProps extends WebcamProps {
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly status?: string;
}

export function WebcamDialog({ isOpen, onClose, status, ...props }: WebcamDialogProps) {
  const { t } = useTranslation(['photos', 'common']);
  return (
    <Dialog title={t('webcam.title')} isOpen={isOpen} onClose={onClose} size="lg">
      <Webcam {...props} />
      <p role="status" className={styles.status}>
        {status}
      </p>
    </Dialog>
  );
}
